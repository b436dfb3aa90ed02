import Fleet
import Foundation
import Testing

/// A fleet to plan for: pairs `lb0`, `lb1`, … with nodes `lb0-a`, `lb0-b` and one VIP `web` each; customers `acme` and `zeta`.
enum SmallFleet {
  static let noon = Date(timeIntervalSince1970: 1_790_000_000)
  static let day = 86_400.0
  static let authority = AuthorityID("ca")

  static func inventory(
    pairs: Int = 2, nodes: Int = 2, degraded: Pair.DegradedPolicy = .waitUntilDanger,
    pace: PaceSettings = PaceSettings(ordersInFlight: 2, batchSize: 5, batchSeconds: 20)
  ) -> Inventory {
    Inventory(
      path: "/fleet.yaml", state: "/state",
      authorities: [Authority(id: authority, directory: "https://ca.example/dir")], mail: nil,
      customers: [
        Customer(id: CustomerID("acme"), name: "Acme Ltd"), Customer(id: CustomerID("zeta"), name: "Zeta & Söhne"),
      ],
      pairs: (0..<pairs).map { pair("lb\($0)", nodes: nodes, degraded: degraded) }, domainFiles: [], pace: pace)
  }

  static func pair(_ id: String, nodes: Int = 2, degraded: Pair.DegradedPolicy = .waitUntilDanger) -> Pair {
    Pair(
      id: PairID(id), customer: nil, appliance: .haproxy,
      nodes: ["a", "b"].prefix(nodes).map { letter in
        Node(
          id: NodeID("\(id)-\(letter)"), address: "192.0.2.1", ssh: SSHSettings(user: "root"), active: .address,
          challenge: .usualThumbprint, terminations: [])
      }, vips: [VIP(id: VIPID("web"), address: "198.51.100.7")], degraded: degraded)
  }

  static func spec(
    _ name: String, pair: String = "lb0", customer: String? = "acme", names: [String]? = nil, key: KeyType = .ecdsaP256
  ) throws -> CertificateSpec {
    let all = try #require(NameSet(names ?? ["\(name).example"]))
    return CertificateSpec(
      id: SpecID("\(pair)/\(name)"), pair: PairID(pair), vip: VIPID("web"), customer: customer.map { CustomerID($0) },
      label: name, names: all, key: key, profile: nil, registeredDomains: all.names, source: nil)
  }

  static func certificate(
    _ attempt: AttemptID, from start: Date = noon, days: Double = 90
  ) -> IssuedCertificate {
    IssuedCertificate(
      attempt: attempt, sha256: "sha-\(attempt)", serial: "01", notBefore: start,
      notAfter: start.addingTimeInterval(days * day), issuer: "CA", chain: ["PEM"], publicKeySHA256: "key-\(attempt)")
  }

  /// A certificate that both nodes of its pair serve since `issuedAt`.
  static func served(
    _ spec: CertificateSpec, issuedAt: Date = noon, days: Double = 90, on nodes: [String] = ["a", "b"]
  ) -> CertificateState {
    let attempt = AttemptID("old-\(spec.label)")
    let issued = certificate(attempt, from: issuedAt, days: days)
    let installations = nodes.map { letter in
      (
        NodeID("\(spec.pair)-\(letter)"),
        Installation(attempt: attempt, sha256: issued.sha256, proof: .wire, reason: "handshake", at: issuedAt)
      )
    }
    return CertificateState(
      spec: spec, issued: issued, issuedRevision: 1, keyNode: NodeID("\(spec.pair)-a"), served: attempt,
      servedNotAfter: issued.notAfter, servedAt: issuedAt,
      installations: Dictionary(uniqueKeysWithValues: installations))
  }

  static func state(_ certificates: [CertificateState]) -> FleetState {
    FleetState(certificates: Dictionary(uniqueKeysWithValues: certificates.map { ($0.spec.id, $0) }))
  }

  /// A CA that takes so many new orders at once, and one more each so many seconds.
  static func limits(orders: Int64, everySeconds: Double) throws -> LimitTable {
    LimitTable(quotas: [.newOrdersPerAccount: try #require(Quota(burst: orders, count: 1, periodSeconds: everySeconds))]
    )
  }
}
