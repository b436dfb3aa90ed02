public import Foundation

/// Stops a run from burning orders at a CA that fails them all.
///
/// Ten failures of attempts in a row with the same cause and no certificate between them, over at least three registered domains and two pairs, blow
/// it. Then one attempt is made at a time, one a minute, and the rest waits until one succeeds. A new order starts only while the failures in a row
/// and the attempts in flight are fewer than ten together, so no more than ten are ever spent before.
///
/// Ten in a row over fewer domains or pairs say nothing of the CA yet. Then the next order is a witness: one of another domain and pair, and no other
/// beside it. Its success says that the reason is theirs, its failure that it is the CA's.
///
/// Failures that have a reason of their own do not count: of names that failed before or that the preflight doubts; and of a customer, a domain or a
/// pair that fails while others succeed, or that fails ten times in a row alone, until one of its certificates is issued again.
public struct AuthorityFuse: Sendable {
  /// It is blown.
  public struct Blown: Sendable, Equatable {
    /// What the CA says of each order.
    public var cause: Failure
    /// Since when.
    public var since: Date
    /// When the last single order began.
    var triedAt: Date?
    /// Orders tried since, one at a time.
    public internal(set) var tries = 0
    /// What was tried since: each name once before any again.
    var tried: Set<SpecID> = []
    /// Customers, domains and pairs that all the failures in a row have in common.
    var common: Set<Ground> = []
  }

  /// What several certificates may have in common.
  enum Ground: Hashable, Sendable {
    case customer(CustomerID)
    case domain(String)
    case pair(PairID)
  }

  /// What may start now.
  enum Leave: Equatable {
    case asMany
    /// One, and no other beside it.
    case one
    /// One that has nothing in common with what failed; as many as you like where there is none.
    case witness
    /// Nothing before one in flight ends.
    case whenOneEnds
    case later(Date)
  }

  /// Failures in a row that blow it.
  static let most = 10
  static let leastDomains = 3
  static let leastPairs = 2
  /// Seconds between single orders while it is blown.
  static let pause = 60.0
  /// Failures of a customer, a domain or a pair after which another one's success says that the reason is theirs.
  static let ownAfter = 3
  /// Without an account nothing is ordered: after these tries a person has to look.
  static let mostWithoutAccount = 3

  /// Why it is blown, if it is.
  public private(set) var blown: Blown?
  private var streak: [Fall] = []
  /// Attempts under way whose failure would count.
  private var flying: Set<SpecID> = []
  private var startedAt: [SpecID: Date] = [:]
  private var losses: [Ground: Loss] = [:]
  private var excused: Set<Ground> = []

  private struct Fall {
    var spec: SpecID
    var grounds: Set<Ground>
    var cause: Cause
  }

  private struct Loss {
    var count = 0
    /// When the last of those was that make it their own.
    var at = Date.distantPast
  }

  /// Starts whole; or blown, with one order first, where the last run ended so.
  init(_ state: FleetState) {
    let failing = state.certificates.values.filter { $0.lastFailure?.kind == .authorityFailing }
    if let last = failing.max(by: { ($0.lastFailureAt ?? .distantPast) < ($1.lastFailureAt ?? .distantPast) }),
      let failure = last.lastFailure
    {
      blown = Blown(cause: failure, since: failing.compactMap(\.failingSince).min() ?? .distantPast)
    }
  }

  /// What may start while so many attempts are under way.
  func leave(inFlight: Int, at now: Date) -> Leave {
    guard let blown else {
      guard streak.count < Self.most else { return flying.isEmpty ? .witness : .whenOneEnds }
      return streak.count + flying.count < Self.most ? .asMany : .whenOneEnds
    }
    guard inFlight == 0 else { return .whenOneEnds }
    guard let next = blown.triedAt?.addingTimeInterval(Self.pause), next > now else { return .one }
    return .later(next)
  }

  /// Whether nothing more is tried in this run.
  func isHopeless(at now: Date) -> Bool {
    guard let blown else { return false }
    if blown.cause.kind == .accountGone { return blown.tries >= Self.mostWithoutAccount }
    return blown.tries > 1 && now.timeIntervalSince(blown.since) > Dispatcher.Quiet.mostSeconds
  }

  /// An attempt begins; it has a failure of its own where the name failed before, or looks as if it would.
  mutating func started(_ certificate: CertificateState, looksBad: Bool, at now: Date) {
    startedAt[certificate.spec.id] = now
    if blown != nil {
      blown?.triedAt = now
      blown?.tries += 1
      blown?.tried.insert(certificate.spec.id)
    }
    if !looksBad, excused.isDisjoint(with: Self.grounds(certificate.spec)) { flying.insert(certificate.spec.id) }
  }

  /// An attempt ended, well or not.
  mutating func ended(_ spec: SpecID) {
    flying.remove(spec)
    startedAt[spec] = nil
  }

  /// A certificate was issued: the CA works.
  mutating func succeeded(_ certificate: CertificateState) {
    let grounds = Self.grounds(certificate.spec)
    blown = nil
    streak = []
    for ground in grounds { losses[ground] = nil }
    excused.subtract(grounds)
    // Whoever failed before this one was asked for has a reason of their own: the CA worked meanwhile.
    guard let began = startedAt[certificate.spec.id] else { return }
    for (ground, loss) in losses where loss.count >= Self.ownAfter && loss.at <= began { excused.insert(ground) }
  }

  /// An attempt failed.
  ///
  /// - Parameter hasAsked: whether the CA was asked for the order.
  /// - Returns: certificates that have failed by no fault of theirs, as it turns out now.
  mutating func failed(_ certificate: CertificateState, _ failure: Failure, hasAsked: Bool, at now: Date) -> [SpecID] {
    let spec = certificate.spec.id
    guard hasAsked else {
      // It says nothing of the CA, and cost nothing.
      if blown?.triedAt == startedAt[spec] { blown?.triedAt = nil }
      return []
    }
    guard let cause = Cause(failure.kind) else { return [] }
    if blown != nil || cause == .account {
      if blown == nil { blown = Blown(cause: failure, since: now) }
      if flying.contains(spec) || cause == .account {
        blown?.cause = failure
        return [spec]
      }
      return []
    }
    let grounds = Self.grounds(certificate.spec)
    guard flying.contains(spec), excused.isDisjoint(with: grounds) else { return [] }
    for ground in grounds {
      losses[ground, default: Loss()].count += 1
      if losses[ground]?.count == Self.ownAfter { losses[ground]?.at = now }
    }
    if streak.last?.cause != cause { streak = [] }
    streak.append(Fall(spec: spec, grounds: grounds, cause: cause))
    guard streak.count >= Self.most else { return [] }
    let all = streak.reduce(into: Set<Ground>()) { $0.formUnion($1.grounds) }
    let common = streak.reduce(grounds) { $0.intersection($1.grounds) }
    let domains = all.filter { if case .domain = $0 { true } else { false } }
    let pairs = all.filter { if case .pair = $0 { true } else { false } }
    guard domains.count >= Self.leastDomains, pairs.count >= Self.leastPairs else {
      // Too few to say anything of the CA: it is theirs, until a witness says otherwise.
      excused.formUnion(domains.count < Self.leastDomains ? domains : pairs)
      return []
    }
    defer { streak = [] }
    excused.subtract(all)
    blown = Blown(
      // Where a witness told, it was the single order of this minute.
      cause: failure, since: now, triedAt: streak.count > Self.most ? startedAt[spec] : nil,
      tried: Set(streak.map(\.spec)),
      common: common.filter { if case .customer = $0 { true } else { false } })
    return Set(streak.map(\.spec)).sorted()
  }

  /// Whether its end says whose fault it is that so many failed: it has nothing in common with them.
  func isApart(_ certificate: CertificateState) -> Bool {
    excused.isDisjoint(with: Self.grounds(certificate.spec))
  }

  /// Whether a success of this one would say more than another's: all that failed have a customer in common, and it has another.
  func isWitness(_ candidate: Candidate) -> Bool {
    guard let blown, !blown.common.isEmpty, let customer = candidate.customer else {
      return blown?.common.isEmpty == false
    }
    return !blown.common.contains(.customer(customer))
  }

  private static func grounds(_ spec: CertificateSpec) -> Set<Ground> {
    Set(spec.registeredDomains.map { .domain($0) } + [.pair(spec.pair)] + (spec.customer.map { [.customer($0)] } ?? []))
  }

  /// Which failures are the same: the CA's words about one cause differ from name to name.
  private enum Cause: Equatable {
    case validation, caa, answer, refusal, account, certificate

    init?(_ kind: Failure.Kind) {
      switch kind {
      case .port80Closed, .wrongAnswer, .dnsBroken, .challengeFailed, .vipAnswersWrongly: self = .validation
      case .caaForbids: self = .caa
      case .authorityBusy, .orderLost: self = .answer
      case .authorityRefused, .nameRefused: self = .refusal
      case .accountGone: self = .account
      case .badCertificate: self = .certificate
      // Our own look at DNS says that these are the customer's.
      case .nameNotFound, .wrongAddress, .strayIPv6Address, .anotherPair, .redirectAway: return nil
      // The ledger, a pause of the pair's, or somebody else sees to these; none of them costs an order.
      case .rateLimited, .paused, .authorityUnreachable, .authorityFailing, .nodeUnreachable, .hostKeyUnknown,
        .hostKeyChanged, .loginRefused, .noCommonAlgorithm, .noActiveNode, .splitBrain, .roleUnknown, .failedOver,
        .keyNotMade, .keyLost, .tunnelRefused, .stageRefused, .configRefused, .reloadRefused, .servesOldCertificate,
        .notSeen, .diskFull, .changedByHand, .linkInPlace, .wouldBeDefault, .nodeCannotRestart, .toolMissing, .fenced,
        .listenerDead, .rolledBack, .interrupted, .internalError:
        return nil
      }
    }
  }
}
