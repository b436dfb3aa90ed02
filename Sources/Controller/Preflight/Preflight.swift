import ACME
import Fleet
import Foundation
import Net

/// Looks before an attempt is spent: a wrong answer of our own VIP, or a name that leads to another pair, vetoes; all else advises.
struct Preflight: Sendable {
  let http: HTTPClient
  let resolver: Resolver
  let thumbprint: String
  /// Every VIP of the fleet by the addresses that DNS shows for it.
  let owners: [String: VIPReference]
  let vips: [VIPReference: VIP]

  init(http: HTTPClient, resolver: Resolver, thumbprint: String, inventory: Inventory) {
    self.http = http
    self.resolver = resolver
    self.thumbprint = thumbprint
    var owners: [String: VIPReference] = [:]
    var vips: [VIPReference: VIP] = [:]
    for pair in inventory.pairs {
      for vip in pair.vips {
        let reference = VIPReference(pair: pair.id, vip: vip.id)
        vips[reference] = vip
        for address in vip.expectedAddresses { owners[address] = reference }
      }
    }
    self.owners = owners
    self.vips = vips
  }

  /// The failure that keeps an order from being made, or nil.
  func veto(_ spec: CertificateSpec, on pair: PairSession) async -> Failure? {
    for name in spec.names.names {
      if let failure = await leadsElsewhere(name, spec) { return failure }
      if let failure = await wrongAnswer(name, spec, method: await pair.challengeMethod(for: spec.vip)) {
        return failure
      }
    }
    return nil
  }

  /// A name that leads to another pair of ours would be validated there by the shared account, for the wrong customer.
  private func leadsElsewhere(_ name: String, _ spec: CertificateSpec) async -> Failure? {
    for address in await addresses(of: name) {
      guard let owner = owners[address], owner.pair != spec.pair else { continue }
      return Failure(.anotherPair, "\(name) leads to \(address), which is \(owner.pair), not \(spec.pair)", name: name)
    }
    return nil
  }

  /// Fetches a made-up token through this row's VIP: only our own answer, or none at all, lets the order go on.
  private func wrongAnswer(_ name: String, _ spec: CertificateSpec, method: ChallengeMethod) async -> Failure? {
    guard let vip = vips[spec.vipReference] else { return nil }
    let token = "certfleet-" + String(UInt64.random(in: .min ... .max), radix: 36)
    let path = "/.well-known/acme-challenge/" + token
    let response: HTTPResponse
    do {
      response = try await http.send(
        HTTPRequest(
          method: "GET", url: "http://\(name)\(path)", deadline: .seconds(10), connectDeadline: .seconds(5),
          connectTo: (vip.address, vip.httpPort), bodyLimit: 8_192))
    } catch {
      // Hairpin NAT, a firewall or a CDN in front: the CA may well get through where we do not.
      return nil
    }
    if let pair = response.header("X-Certfleet-Pair"), pair != spec.pair.rawValue {
      return Failure(
        .anotherPair, "VIP \(vip.id) (\(vip.address)) is answered by pair \(pair), not \(spec.pair)", name: name)
    }
    let body = String(decoding: response.body, as: UTF8.self).trimmingCharacters(in: .whitespacesAndNewlines)
    switch method {
    case .thumbprint:
      guard response.status != 200 || body != "\(token).\(thumbprint)" else { return nil }
    case .tunnel:
      // Nobody listens yet at the tunnel's port: 503 is HAProxy's word that the route leads there.
      if response.status == 503 || response.header("X-Certfleet-Pair") == spec.pair.rawValue { return nil }
    }
    let place = response.header("Location").map { ", redirected to \($0)" } ?? ""
    let foreign =
      body.hasPrefix(token + ".")
      ? "; the rule there is for another account key: paste the lines that certfleet enroll prints" : ""
    return Failure(
      (300..<400).contains(response.status) ? .redirectAway : .wrongAnswer,
      "\(vip.address) answered \(path) for \(name) with \(response.status)\(place): \"\(Printable.short(body))\"\(foreign)",
      name: name)
  }

  /// Adds what DNS says to a failed challenge, and names the cause more exactly where DNS shows it.
  func explained(_ failure: Failure, spec: CertificateSpec) async -> Failure {
    guard let name = failure.name, let vip = vips[spec.vipReference] else { return failure }
    switch failure.kind {
    case .port80Closed, .wrongAnswer, .challengeFailed, .dnsBroken: break
    default: return failure
    }
    async let four = resolver.lookup(name, .a)
    async let six = resolver.lookup(name, .aaaa)
    let answers = await (four: four, six: six)
    var explained = failure
    if case .noSuchName = answers.four {
      explained.kind = .nameNotFound
      explained.detail += "; DNS: \(name) does not exist"
      return explained
    }
    let found4 = Self.texts(answers.four)
    let found6 = Self.texts(answers.six)
    if answers.four == .noData, answers.six == .noData {
      explained.kind = .nameNotFound
      explained.detail += "; DNS: \(name) has neither an A nor an AAAA record"
      return explained
    }
    let strays6 = found6.filter { !vip.expectedAddresses.contains($0) }
    if !found4.isEmpty, found4.allSatisfy({ !vip.expectedAddresses.contains($0) }) {
      let owner = found4.compactMap { owners[$0] }.first { $0.pair != spec.pair }
      explained.kind = owner == nil ? .wrongAddress : .anotherPair
      explained.detail += "; DNS: \(name) leads to \(found4.joined(separator: ", ")), the load balancer is "
      explained.detail += vip.expectedAddresses.joined(separator: ", ")
    } else if !strays6.isEmpty {
      explained.kind = .strayIPv6Address
      explained.detail += "; DNS: \(name) has the IPv6 address \(strays6.joined(separator: ", "))"
    } else if case .serverFailure = answers.four {
      explained.kind = .dnsBroken
      explained.detail += "; DNS: the name servers fail for \(name)"
    }
    return explained
  }

  private func addresses(of name: String) async -> [String] {
    async let four = resolver.lookup(name, .a)
    async let six = resolver.lookup(name, .aaaa)
    return Self.texts(await four) + Self.texts(await six)
  }

  private static func texts(_ answer: DNSAnswer) -> [String] {
    guard case .records(let records) = answer else { return [] }
    return records.compactMap { record in
      if case .address(let address) = record { address } else { nil }
    }
  }
}
