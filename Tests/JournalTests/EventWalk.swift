import Fleet
import Foundation

/// Chance that is the same for the same seed (SplitMix64).
struct SeededChance: RandomNumberGenerator {
  private var state: UInt64

  init(seed: UInt64) { state = seed }

  mutating func next() -> UInt64 {
    state &+= 0x9E37_79B9_7F4A_7C15
    var mixed = state
    mixed = (mixed ^ (mixed >> 30)) &* 0xBF58_476D_1CE4_E5B9
    mixed = (mixed ^ (mixed >> 27)) &* 0x94D0_49BB_1331_11EB
    return mixed ^ (mixed >> 31)
  }
}

/// Texts as a CA, a node or a customer's web server may send them.
let hostileTexts = [
  "plain", "", "NUL\u{0}behind", "\u{1B}[2J\u{7}\u{8}", "line\nfeed\r\n\ttab", "'; DROP TABLE event; --",
  "\"\\ \\n \\u0000", "=cmd|' /C calc'!A0", "<script>", "\u{202E}rtl\u{FEFF}", "Müller 😀 日本語",
  String(decoding: [0x61, 0xFF, 0xC3, 0x28], as: UTF8.self),
  "e\u{301} is not \u{E9}", "\u{2028}\u{2029}\u{85}",
]

/// A seeded walk through all that may legally happen to a small fleet.
struct EventWalk {
  var chance: SeededChance
  /// What a runner would hold in memory; `next` decides by it.
  var state = FleetState()
  /// Keeps walks that share a journal apart.
  let name: String
  private var openRollouts: [RolloutID] = []
  private var openSweep: SweepID?
  private var counter = 0

  init(seed: UInt64, name: String = "w") {
    chance = SeededChance(seed: seed)
    self.name = name
  }

  /// One to four events that follow upon each other.
  mutating func next() -> [Event] {
    counter += 1
    switch Int.random(in: 0..<34, using: &chance) {
    case 0...3: return [.specAdded(spec())]
    case 4: return known().map { [.specChanged(changed($0))] } ?? [.specAdded(spec())]
    case 5: return known().map { [.specRemoved(spec: $0.spec.id)] } ?? []
    case 6: return known().map { [.retryAsked(spec: $0.spec.id)] } ?? []
    case 7:
      guard let known = known() else { return [] }
      if Bool.random(using: &chance) {
        return [.authorityFailing(authority: ID("ca"), certificates: [known.spec.id], failure: failure())]
      }
      return [.specVetoed(spec: known.spec.id, failure: failure())]
    case 8...17: return known().map { attempt($0) } ?? [.specAdded(spec())]
    case 18:
      switch Int.random(in: 0..<3, using: &chance) {
      case 0: return [.pairPaused(pair: pair())]
      case 1:
        let isOpen = Bool.random(using: &chance)
        return [.pairHeld(pair: pair(), until: isOpen ? nil : noon + 3_600, reason: isOpen ? "firmware" : nil)]
      default: return [.pairResumed(pair: pair())]
      }
    case 19:
      let isTrouble = Bool.random(using: &chance)
      return [isTrouble ? .pairTroubled(pair: pair(), failure: failure()) : .pairHealed(pair: pair())]
    case 20:
      let isTrouble = Bool.random(using: &chance)
      return [isTrouble ? .nodeTroubled(node: node(), failure: failure()) : .nodeHealed(node: node())]
    case 21:
      return [.hostKeysPinned(node: node(), keys: [text(), text()]), .nodeSurveyed(node: node(), facts: text())]
    case 22: return [.accountRegistered(authority: AuthorityID("\(name)-ca"), url: text(), thumbprint: text())]
    case 23...27: return rollout()
    case 28: return sweep()
    case 29: return known().map { [.specMoved(from: $0.spec.id, to: renamed($0.spec))] } ?? []
    case 30:
      return [
        .pairMoved(from: pair(), to: pair()),
        .nodeMoved(from: node(), to: node(), certificates: state.certificates.keys.sorted()),
      ]
    case 31, 32: return known().map { drift($0) } ?? []
    default: return [.renewalAsked(sweep: SweepID("\(name)-asked-\(counter)"))]
    }
  }

  private mutating func renamed(_ spec: CertificateSpec) -> CertificateSpec {
    var spec = spec
    spec.id = SpecID("\(spec.id)-\(counter)")
    spec.vip = VIPID("v\(counter)")
    return spec
  }

  private mutating func sweep() -> [Event] {
    if let sweep = openSweep {
      openSweep = nil
      return [.sweepEnded(sweep: sweep, end: .completed)]
    }
    let sweep = SweepID("\(name)-sweep-\(counter)")
    openSweep = sweep
    return [.sweepStarted(sweep: sweep, seed: chance.next(), purpose: .run)]
  }

  private mutating func drift(_ certificate: CertificateState) -> [Event] {
    let place = Bool.random(using: &chance) ? DriftPlace.vip : .node(node())
    guard Bool.random(using: &chance) else {
      return [.driftGone(spec: certificate.spec.id, place: place, isHealed: Bool.random(using: &chance))]
    }
    let seen = SeenLeaf(sha256: text(), serial: text(), issuer: text(), notAfter: noon)
    return [
      .driftSeen(
        spec: certificate.spec.id, place: place,
        drift: Drift(Drift.Kind.allCases.randomElement(using: &chance) ?? .missing, seen: seen, text()))
    ]
  }

  private mutating func attempt(_ certificate: CertificateState) -> [Event] {
    let spec = certificate.spec
    guard let attempt = certificate.attempt else {
      let of = AttemptReference(spec: spec.id, attempt: AttemptID("\(name)-\(counter)"))
      return [
        .attemptStarted(
          of: of, names: spec.names, authority: AuthorityID("\(name)-ca"), revision: certificate.revision)
      ]
    }
    let of = AttemptReference(spec: spec.id, attempt: attempt.id)
    if Int.random(in: 0..<8, using: &chance) == 0 { return [.attemptFailed(of: of, failure: failure())] }
    // An event of a try that is no longer: history, not state.
    if Int.random(in: 0..<20, using: &chance) == 0 {
      return [.orderRequested(of: AttemptReference(spec: spec.id, attempt: ID("\(name)-gone")))]
    }
    switch attempt.state {
    case .makingKey: return [.keyMade(of: of, key: Attempt.Key(node: node(), request: text()))]
    case .requestingOrder: return [.orderRequested(of: of)]
    case .ordering: return [.orderCreated(of: of, url: text())]
    case .validating: return [.finalizeRequested(of: of)]
    case .finalizing: return [.issued(of: of, certificate: issued(attempt.id))]
    case .issued, .failed: return []
    }
  }

  private mutating func rollout() -> [Event] {
    let ready = state.certificates.values.filter { $0.issued != nil }.sorted { $0.spec.id < $1.spec.id }
    guard let id = openRollouts.randomElement(using: &chance) else {
      guard !ready.isEmpty else { return [] }
      let id = RolloutID("\(name)-rollout-\(counter)")
      openRollouts.append(id)
      return [
        .rolloutStarted(
          rollout: id, pair: pair(), batch: ready.compactMap(\.issuedReference), first: node(),
          second: Bool.random(using: &chance) ? node() : nil),
        .rolloutStepped(rollout: id, step: .check, failure: nil),
      ]
    }
    guard let certificate = ready.randomElement(using: &chance), let reference = certificate.issuedReference else {
      return [.rolloutStepped(rollout: id, step: .rollBack(.second), failure: failure())]
    }
    switch Int.random(in: 0..<7, using: &chance) {
    case 5:
      return [.rollbackStarted(rollback: id, pair: pair(), node: node(), certificates: [previous(of: reference)])]
    case 6:
      return [
        .rolledBack(
          rollback: id, node: node(), certificates: [previous(of: reference)], proof: .wire, reason: text()),
        .rollbackFailed(rollback: id, node: node(), certificates: [reference], failure: failure()),
      ]
    case 0: return [.ejected(rollout: id, spec: certificate.spec.id, failure: failure())]
    case 1:
      return [
        .rolloutStepped(rollout: id, step: .verify(.first), failure: nil),
        .installed(
          node: node(), certificates: [reference], proof: Proof.allCases.randomElement(using: &chance) ?? .disk,
          reason: text()),
      ]
    case 2: return [.rolloutStepped(rollout: id, step: .verifyVIP, failure: nil), .served(certificates: [reference])]
    case 3:
      return [
        .rolloutStepped(rollout: id, step: .stage(.second), failure: failure()),
        .reloaded(
          rollout: id, node: node(),
          reload: Reload(program: "haproxy", count: 1, milliseconds: counter, certificates: 1, reason: text())),
      ]
    default:
      openRollouts.removeAll { $0 == id }
      return [.rolloutEnded(rollout: id, end: .degradedSecond, cause: failure())]
    }
  }

  private mutating func spec() -> CertificateSpec {
    let number = Int.random(in: 0..<8, using: &chance)
    return CertificateSpec(
      id: SpecID("\(name)/\(number)"), pair: pair(), vip: ID("v1"), customer: number == 0 ? nil : ID("c\(number % 3)"),
      label: "label-\(number)", names: names(), key: .ecdsaP256, profile: number == 1 ? text() : nil,
      registeredDomains: ["example.org"], source: number == 2 ? nil : text())
  }

  private mutating func changed(_ certificate: CertificateState) -> CertificateSpec {
    var spec = certificate.spec
    switch Int.random(in: 0..<4, using: &chance) {
    case 0: spec.names = names()
    case 1: spec.vip = spec.vip == ID("v1") ? ID("v2") : ID("v1")
    case 2: spec.key = KeyType.allCases.randomElement(using: &chance) ?? .rsa2048
    default: spec.customer = nil
    }
    return spec
  }

  private mutating func names() -> NameSet {
    let count = Int.random(in: 1...5, using: &chance)
    let names = (0..<count).map { _ in "n\(Int.random(in: 0..<50, using: &chance)).example.org" }
    return EventWalk.nameSet(names)
  }

  private mutating func issued(_ attempt: AttemptID) -> IssuedCertificate {
    let start = noon.addingTimeInterval(Double(Int.random(in: 0..<1_000_000, using: &chance)))
    return IssuedCertificate(
      attempt: attempt, sha256: text(), serial: text(), notBefore: start,
      notAfter: start.addingTimeInterval(90 * 86_400), issuer: text(),
      chain: ["-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----\n", text()], publicKeySHA256: text())
  }

  private mutating func previous(of reference: AttemptReference) -> PreviousCertificate {
    PreviousCertificate(
      of: reference, sha256: text(), serial: text(), notBefore: noon, notAfter: noon.addingTimeInterval(86_400))
  }

  private mutating func failure() -> Failure {
    Failure(
      Failure.Kind.allCases.randomElement(using: &chance) ?? .internalError, text(),
      name: Bool.random(using: &chance) ? text() : nil, node: Bool.random(using: &chance) ? node() : nil,
      retryAfter: Bool.random(using: &chance) ? noon.addingTimeInterval(3_600) : nil)
  }

  private mutating func known() -> CertificateState? {
    state.certificates.values.sorted { $0.spec.id < $1.spec.id }.randomElement(using: &chance)
  }

  private mutating func text() -> String { hostileTexts.randomElement(using: &chance) ?? "" }
  private mutating func pair() -> PairID { PairID("\(name)-pair-\(Int.random(in: 0..<2, using: &chance))") }
  private mutating func node() -> NodeID { NodeID("\(name)-node-\(Int.random(in: 0..<4, using: &chance))") }
}

extension EventWalk {
  /// One to a hundred names, as every test here gives them.
  static func nameSet(_ names: [String]) -> NameSet {
    guard let set = NameSet(names) else {
      fatalError("one to a hundred names")  // cannot be reached: the callers give as many
    }
    return set
  }
}
