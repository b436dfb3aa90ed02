import Fleet
import Foundation
import Net

/// Looks before an attempt is spent. A wrong answer of our own VIP, or one of another customer's pair, vetoes; all else advises.
struct Preflight: Sendable {
  private var names: NameServers
  private let walk: ChallengeWalk
  private let thumbprint: String
  private let book: AddressBook
  /// Who we are in the words of CAA.
  private let issuer: CAAIssuer
  private let clock: any TimeSource

  /// What is looked at: a name on a VIP.
  struct Subject: Sendable, Hashable {
    var name: String
    var vip: VIPReference
    var customer: CustomerID?
    var method: ChallengeMethod
    /// Whether the pair was told to answer for this name.
    var isAllowed: Bool
  }

  init(
    http: HTTPClient, resolvers: [String], thumbprint: String, inventory: Inventory,
    issuer: CAAIssuer = CAAIssuer(identities: [], account: nil), nameServerPort: UInt16 = 53, clock: any TimeSource
  ) {
    let book = AddressBook(inventory)
    names = NameServers(panel: ResolverPanel(servers: resolvers), port: nameServerPort)
    walk = ChallengeWalk(http: http, names: names, book: book)
    self.thumbprint = thumbprint
    self.book = book
    self.issuer = issuer
    self.clock = clock
  }

  /// The same, with nothing remembered of what DNS said before.
  func anew() -> Preflight {
    var fresh = self
    fresh.names = names.anew()
    return fresh
  }

  // MARK: Before an order

  /// Looks at the names of a certificate right before its order; CAA is the CA's to look at, which costs no more.
  func look(at spec: CertificateSpec, on pair: PairSession) async -> [Finding] {
    let method = await pair.challengeMethod(for: spec.vip)
    var findings: [Finding] = []
    for name in spec.names.names {
      let subject = Subject(
        name: name, vip: spec.vipReference, customer: spec.customer, method: method, isAllowed: true)
      findings += await look(at: subject, [.addresses, .vip, .route])
    }
    return findings
  }

  /// The failure that keeps an order from being made, if there is one.
  static func veto(_ findings: [Finding]) -> Failure? {
    findings.first { if case .vetoes = $0.verdict { true } else { false } }?.failure
  }

  // MARK: One name

  /// Everything that is asked for about one name.
  func look(at subject: Subject, _ checks: Set<Finding.Check>) async -> [Finding] {
    guard let vip = book.vip(subject.vip) else { return [] }
    // A wildcard has no address of its own, and http-01 cannot prove it.
    let hasAddress = !subject.name.hasPrefix("*.")
    async let caa = checks.contains(.caa) ? judgeCAA(subject.name) : nil
    var judgements: [(Finding.Check, Judgement)] = []
    if hasAddress, checks.contains(.addresses) || checks.contains(.route) {
      let sightings = await names.addresses(of: subject.name)
      async let own = checks.contains(.vip) ? judgeVIP(subject, vip) : nil
      let route = await checks.contains(.route) ? judgeRoute(subject, vip, sightings) : nil
      var addresses = AddressRules(
        name: subject.name, vip: subject.vip, customer: subject.customer, expected: vip.expectedAddresses, book: book
      ).judge(sightings)
      if let route, route.verdict == .passes, case .fails(let kind) = addresses.verdict, kind != .anotherPair {
        // A proxy or a CDN in front that hands the challenge on is as good as the load balancer itself.
        addresses = Judgement(.passes, addresses.evidence + ", but " + route.evidence)
      }
      addresses = await names.certainty(of: subject.name, sightings, likely: addresses)
      judgements.append((.addresses, addresses))
      if let own = await own { judgements.append((.vip, own)) }
      // Where the way is the VIP itself, an old finding about a detour must not stay.
      if checks.contains(.route) {
        judgements.append((.route, route ?? Self.noDetour(sightings)))
      }
    } else if hasAddress, checks.contains(.vip) {
      let judgement = await judgeVIP(subject, vip)
      judgements.append((.vip, judgement))
    }
    if let caa = await caa { judgements.append((.caa, caa)) }
    let now = clock.now
    return judgements.map { check, judgement in
      Finding(
        vip: subject.vip, name: subject.name, check: check, verdict: judgement.verdict, evidence: judgement.evidence,
        at: now)
    }
  }

  private func judgeCAA(_ name: String) async -> Judgement {
    let likely = CAARules.judge(name, await names.caa(of: name), issuer: issuer)
    return await names.certainty(of: name, likely: likely, issuer: issuer)
  }

  private func judgeVIP(_ subject: Subject, _ vip: VIP) async -> Judgement {
    let token = Self.token()
    return rules(subject, token).judgeVIP(
      await walk.sight(subject.name, token: token, at: vip.address, of: subject.vip.pair))
  }

  /// The CA's own way; nil where it is the VIP's address, which is asked anyway, or leads nowhere.
  private func judgeRoute(_ subject: Subject, _ vip: VIP, _ sightings: [AddressSighting]) async -> Judgement? {
    guard let address = sightings.lazy.compactMap(\.addresses.first).first, address != vip.address else { return nil }
    let token = Self.token()
    let judged = rules(subject, token).judgeRoute(
      await walk.sight(subject.name, token: token, at: address, of: subject.vip.pair))
    // Behind NAT our own public address is often closed to ourselves (hairpin), while the CA gets through.
    if vip.expectedAddresses.contains(address), judged.verdict == .fails(.port80Closed) {
      return Judgement(.unknown, judged.evidence + "; from inside that may be the NAT")
    }
    return judged
  }

  /// Where nothing was asked: the way is the VIP itself, or there is none.
  private static func noDetour(_ sightings: [AddressSighting]) -> Judgement {
    sightings.contains { !$0.addresses.isEmpty }
      ? Judgement(.passes, "DNS leads to the load balancer itself")
      : Judgement(.unknown, "not asked: DNS gives no address to ask")
  }

  private func rules(_ subject: Subject, _ token: String) -> ChallengeRules {
    ChallengeRules(
      name: subject.name, vip: subject.vip, customer: subject.customer, method: subject.method, token: token,
      thumbprint: thumbprint, isAllowed: subject.isAllowed, book: book)
  }

  /// One that no CA ever gave out; the rule answers for tokens of 16 to 128 characters.
  private static func token() -> String {
    "certfleet-" + String(UInt64.random(in: (.max / 2) ... .max), radix: 36)
  }

  // MARK: After a challenge failed

  /// Adds what DNS says to a failed challenge, and names the cause more exactly where DNS shows it.
  func explained(_ failure: Failure, spec: CertificateSpec) async -> Failure {
    guard let name = failure.name, let vip = book.vip(spec.vipReference) else { return failure }
    switch failure.kind {
    case .port80Closed, .wrongAnswer, .challengeFailed, .dnsBroken: break
    default: return failure
    }
    let judged = AddressRules(
      name: name, vip: spec.vipReference, customer: spec.customer, expected: vip.expectedAddresses, book: book
    ).judge(await names.addresses(of: name))
    guard let kind = judged.verdict.kind else { return failure }
    var explained = failure
    explained.kind = kind
    explained.detail += "; DNS: " + judged.evidence
    return explained
  }
}
