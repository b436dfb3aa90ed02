import Fleet
import Foundation
import Journal

/// "Done" means that the VIP serves it: handshakes with the VIP, and what they prove of the node that holds it.
struct VIPProof: Sendable {
  let pair: PairSession
  let recorder: Recorder
  let verifier: Verifier

  /// What handshakes with the VIPs showed.
  struct Sightings: Sendable {
    /// What is served, and by which node.
    var events: [Event] = []
    /// Why certificates are not served, each by what was seen for it.
    var failures: [SpecID: Failure] = [:]
  }

  /// Looks at every certificate on its VIP, and records what is served and, in this rollout, what is not.
  ///
  /// - Returns: the first failure, if there is one.
  func prove(_ certificates: [CertificateState], rollout: RolloutID) async throws(JournalError) -> Failure? {
    let seen = await look(at: certificates, patience: 2)
    // A look that we ended ourselves is no verdict.
    if Task.isCancelled { return Failure(.interrupted, "the look at the VIP was ended") }
    let failed = certificates.compactMap { certificate in
      seen.failures[certificate.spec.id].map { Event.ejected(rollout: rollout, spec: certificate.spec.id, failure: $0) }
    }
    let all = seen.events + failed
    if !all.isEmpty { try await recorder.record(all) }
    return certificates.compactMap { seen.failures[$0.spec.id] }.first
  }

  /// Looks at every certificate on its VIP; records nothing.
  func look(at certificates: [CertificateState], patience: Double) async -> Sightings {
    var seen = Sightings()
    for (vipID, batch) in Dictionary(grouping: certificates, by: \.spec.vip).sorted(by: { $0.key < $1.key }) {
      guard let vip = pair.pair.vips.first(where: { $0.id == vipID }) else { continue }
      let sights = await verifier.look(at: vip.address, port: vip.httpsPort, for: batch, patience: patience)
      let served = batch.filter { sights[$0.spec.id] == .same }
      if !served.isEmpty {
        seen.events += await wireProofs(served, vip)
        seen.events.append(.served(certificates: served.compactMap(\.issuedReference)))
      }
      for certificate in batch where sights[certificate.spec.id] != .same {
        seen.failures[certificate.spec.id] = Self.failure(sights[certificate.spec.id], certificate, vip)
      }
    }
    return seen
  }

  /// The VIP leads to the node that holds it, so its handshake is that node's proof on the wire; it proves nothing of the other.
  private func wireProofs(_ served: [CertificateState], _ vip: VIP) async -> [Event] {
    guard case .node(let node) = await pair.activeNode(for: vip.id, atMost: 5) else { return [] }
    let better = served.filter { certificate in
      guard let installation = certificate.installations[node] else { return true }
      return installation.attempt != certificate.issued?.attempt || installation.proof < .wire
    }
    guard !better.isEmpty else { return [] }
    return [
      .installed(
        node: node, certificates: better.compactMap(\.issuedReference), proof: .wire,
        reason: "handshake with the VIP \(vip.address):\(vip.httpsPort) while this node held it")
    ]
  }

  static func failure(_ sight: Verifier.Sight?, _ certificate: CertificateState, _ vip: VIP) -> Failure {
    let name = certificate.spec.names.first
    switch sight {
    case .other(let seen): return Failure(.servesOldCertificate, seen, name: name)
    // Who does not answer has not said that it serves something else.
    case .silent(let reason): return Failure(.notSeen, "the VIP does not answer from here: \(reason)", name: name)
    case .cut: return Failure(.interrupted, "the look at VIP \(vip.id) was ended", name: name)
    case .same, nil: return Failure(.notSeen, "VIP \(vip.id) was not looked at", name: name)
    }
  }
}
