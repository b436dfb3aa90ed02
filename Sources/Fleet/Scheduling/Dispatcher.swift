public import Foundation

/// Says what a run does next: which pairs are asked, which certificates are issued, which batches are rolled out.
///
/// The whole of a run's planning state, owned by one task. It knows no clock and does nothing itself: records and surveys go in, work comes out.
/// The same value drives a forecast on a virtual clock.
public struct Dispatcher: Sendable {
  /// The present state, folded from the records learnt so far.
  public internal(set) var state: FleetState
  /// What the CA's limits still allow.
  public var ledger: Ledger
  /// Why certificates of this run wait, for progress and reports: the limit that binds and until when.
  public internal(set) var waiting: Waiting?
  /// The next window for what waits to be rolled out.
  var closed: Waiting?
  /// When something that waits to be rolled out may go without any news: its pair opens, or it has waited long enough for company.
  var ripeAt: Date?

  let inventory: Inventory
  let pairs: [PairID: Pair]
  let weights: [CustomerID: Int]
  let batches: BatchPolicy
  var random: SeededGenerator
  var scheduler: Scheduler
  var standings: [PairID: PairStanding] = [:]
  var dirty: Set<SpecID>
  /// The certificates of each pair; one that moved away or was removed may linger, which costs a look. Made when it is first asked for: a
  /// forecast never does.
  lazy var members: [PairID: Set<SpecID>] = state.certificates.values.reduce(into: [:]) {
    $0[$1.spec.pair, default: []].insert($1.spec.id)
  }
  private var replanAt: Date
  var deployments: [PairID: [BatchTarget: Set<AttemptReference>]] = [:]
  var waitingSince: [AttemptReference: Date] = [:]
  var unfinished: Set<SpecID> = []
  var issuing: [SpecID: PairID] = [:]
  var rollingOut: Set<PairID> = []
  /// Which pairs were looked at, are, and are still to be.
  var pairLooks: PairLooks
  var faults = PassingFaults()
  var ejections: [RolloutID: [SpecID: Failure]] = [:]
  var issuedNow: Set<SpecID> = []
  var issuable: [PairID: Set<SpecID>] = [:]
  var leavesLeft: Int
  private(set) var mayOrder = true
  var isStopping = false
  var quiet = Quiet()
  var issuedSets: IssuedSets
  private let surveysAll: Bool
  let only: Set<SpecID>?
  var badLooking: Set<SpecID>
  /// What is looked at before it is ordered, and what is held back.
  var looks: OrderLooks
  /// Whose clock is wrong.
  public internal(set) var clock = ClockReview()
  /// What was ordered although our clock is wrong: once each.
  var orderedByWrongClock: Set<SpecID> = []
  /// Whether the CA fails every order.
  var fuse: AuthorityFuse
  /// What is to be recorded because of what was learnt.
  var events: [Event] = []

  /// What a limit keeps waiting.
  public struct Waiting: Sendable, Equatable {
    /// When the next token comes.
    public var until: Date
    /// What binds.
    public var boundBy: Binding
  }

  /// Starts a run over the state that the journal holds.
  ///
  /// - Parameters:
  ///   - surveysAll: ask every pair, also those without work: the nightly sweep does, to prove what could not be proved before.
  ///   - seesServed: see what every pair serves that is worked with, before anything is decided for it: every sweep does, a forecast has nothing to see.
  ///   - maximum: how many new attempts may be started in all.
  ///   - only: the certificates of a saved plan; renewals that fall due are done besides, nothing else. Nil means all.
  ///   - findings: what the preflight found: names that look bad go last.
  ///   - looksFirst: what is to be ordered is looked at before, and held back where an order would certainly fail.
  ///   - insisted: certificates that a person asked to be tried since their last try.
  ///   - untidy: pairs on which a killed run left something behind: they are asked although nothing else may be due there.
  public init(
    state: FleetState, inventory: Inventory, ledger: Ledger, seed: UInt64, surveysAll: Bool = false,
    seesServed: Bool = false, maximum: Int = .max, only: Set<SpecID>? = nil, untidy: Set<PairID> = [],
    findings: Findings = Findings(), looksFirst: Bool = false, insisted: Set<SpecID> = [], at now: Date
  ) {
    badLooking = findings.badLooking(of: state.certificates.values, at: now)
    looks = OrderLooks(
      findings, HeldBack(findings, of: state.certificates.values, insisted: insisted, at: now), isAsked: looksFirst)
    self.only = only
    pairLooks = PairLooks(isOn: seesServed, limit: inventory.pace.looksInFlight)
    wanted = untidy.intersection(inventory.pairs.map(\.id))
    self.state = state
    fuse = AuthorityFuse(state)
    issuedSets = IssuedSets(state.certificates.values)
    self.inventory = inventory
    self.ledger = ledger
    self.ledger.learnRefusals(of: state, at: now)
    self.surveysAll = surveysAll
    pairs = Dictionary(uniqueKeysWithValues: inventory.pairs.map { ($0.id, $0) })
    weights = Dictionary(uniqueKeysWithValues: inventory.customers.map { ($0.id, $0.weight) })
    batches = BatchPolicy(inventory.pace)
    random = SeededGenerator(seed: seed)
    let attempts = inventory.pace.attemptsInFlight
    scheduler = Scheduler(limits: .init(total: attempts, perPair: attempts), seed: seed)
    dirty = []
    // The first look is at everything.
    replanAt = .distantPast
    leavesLeft = maximum
  }

  /// Renewals fall due and back-offs end while a run lasts: everything is looked at again this often.
  private static let replanSeconds: Double = 30

  // MARK: What comes in

  /// A person knows better, or it is another certificate now.
  mutating func forgetTroubles(of spec: SpecID) {
    faults.forget(spec)
    badLooking.remove(spec)
  }

  /// A survey came to its end.
  public mutating func surveyed(_ pair: PairID, _ survey: PairSurvey) {
    standings[pair] = .surveyed(survey)
    hear(nodes: survey.clockSkews)
    wantLook(at: pair)
    dirtyAll(of: pair)
  }

  /// Nothing new is started any more; what runs comes to its end.
  public mutating func stop() { isStopping = true }

  /// The CA cannot be asked: what is issued already is still rolled out.
  public mutating func stopOrdering() {
    leavesLeft = 0
    mayOrder = false
  }

  /// Whether anything is to be asked of the CA, or may come to be: of what is only to be rolled out, a key may turn out to be lost.
  public func ordering(at now: Date) -> (isSure: Bool, isPossible: Bool) {
    let actions = Set(Planner.plan(state, inventory: inventory, at: now).changes.map(\.action))
    return (!actions.isDisjoint(with: [.issue, .renew]), !actions.isSubset(of: [.keep, .blocked]))
  }

  // MARK: What comes out

  /// All the work that may start at `now`.
  public mutating func next(at now: Date) -> [Work] {
    if now >= replanAt {
      dirty.formUnion(state.certificates.keys)
      replanAt = now.addingTimeInterval(Self.replanSeconds)
    }
    refresh(at: now)
    guard !isStopping else { return [] }
    return surveys(at: now) + pairsToLookAt() + lookWork(at: now) + resumptions(at: now) + leases(at: now)
      + rollouts(at: now)
  }

  /// Whether nothing is going on and nothing will start by itself soon: the end of a run.
  public var isIdle: Bool {
    guard issuing.isEmpty, rollingOut.isEmpty, looks.looking.isEmpty, pairLooks.underWay.isEmpty,
      !standings.values.contains(.surveying)
    else { return false }
    if isStopping { return true }
    return waiting == nil && faults.isEmpty && pairLooks.waiting.isEmpty && !(looks.isAwaited && mayOrder)
  }

  /// What the run waits for, where nothing else is left to do for a good while.
  public func longWait(at now: Date) -> Waiting? {
    guard issuing.isEmpty, rollingOut.isEmpty, pairLooks.isIdle, faults.isEmpty, !isStopping,
      !standings.values.contains(.surveying),
      let waiting,
      waiting.until.timeIntervalSince(now) >= Self.longWaitSeconds
        || fuse.blown.map({ now.timeIntervalSince($0.since) >= Self.longWaitSeconds }) == true
    else { return nil }
    return waiting
  }

  /// Whoever is told how it went need not wait so long for it.
  private static let longWaitSeconds = 600.0

  /// When to look again if no news comes.
  public func wake(after now: Date) -> Date {
    // What is under way is news when it ends; nothing else is waited for then.
    guard !isStopping else { return max(replanAt, now.addingTimeInterval(0.01)) }
    var dates = [replanAt]
    if let waiting { dates.append(waiting.until) }
    dates += faults.ends
    if let ripeAt { dates.append(ripeAt) }
    if let next = looks.nextLook { dates.append(next) }
    return max(dates.min() ?? replanAt, now.addingTimeInterval(0.01))
  }

  /// Attempts and rollouts under way.
  public var inFlight: (attempts: Int, rollouts: Int) { (issuing.count, rollingOut.count) }

  /// What the nodes of a pair said last in this run.
  public func survey(of pair: PairID) -> PairSurvey? { standings[pair]?.survey }

  /// One that the pair serves, where it serves none of these.
  public mutating func neighbour(of certificates: [CertificateState], on pair: PairID) -> CertificateSpec? {
    guard !certificates.contains(where: { $0.served != nil }) else { return nil }
    for id in members[pair] ?? [] {
      if let other = state.certificates[id], other.spec.pair == pair, other.served != nil { return other.spec }
    }
    return nil
  }

  // MARK: Deciding

  mutating func dirtyAll(of pair: PairID) {
    dirty.formUnion(members[pair] ?? [])
  }

  private mutating func refresh(at now: Date) {
    dirty.formUnion(faults.release(at: now))
    for spec in dirty { redecide(spec, at: now) }
    dirty.removeAll(keepingCapacity: true)
  }

  private mutating func redecide(_ id: SpecID, at now: Date) {
    guard issuing[id] == nil else { return }
    withdraw(id)
    // The scheduler keeps a candidate that is still the same; taking it out and in again would forget what it waited for.
    var isOffered = false
    defer { if !isOffered { scheduler.remove(id) } }
    guard let certificate = state.certificates[id], let pair = pairs[certificate.spec.pair], !faults.stops(id)
    else { return }
    let isPaused = state.isPaused(pair.id, at: now)
    let (action, reason) = Planner.decide(
      certificate, pair: pair, isPaused: isPaused, isFresh: issuedNow.contains(id), at: planningTime(at: now))
    if let only, !only.contains(id) {
      switch action {
      case .issue: return
      // What this run renewed besides the plan is brought to its pair as well.
      case .redeploy where !issuedNow.contains(id): return
      case .redeploy, .renew, .keep, .blocked: break
      }
    }
    switch action {
    case .keep: proveBetter(certificate, at: now)
    case .blocked: return
    case .redeploy: offer(certificate, reason, at: now)
    case .issue, .renew:
      let mayBeOrdered = isFree(certificate, at: now)
      guard standings[pair.id] != nil else { return wanted.formUnion([pair.id]) }
      // What lies there may be in the way of what is to be ordered.
      guard !pairLooks.holds(pair.id) else { return }
      guard let survey = standings[pair.id]?.survey, case .node = survey.node(activeFor: certificate.spec.vip) else {
        return
      }
      issuable[pair.id, default: []].insert(id)
      if certificate.attempt != nil {
        unfinished.insert(id)
      } else if mayBeOrdered, allowsByClock(certificate, at: now) {
        scheduler.add(candidate(certificate, isRenewal: action == .renew, at: now))
        isOffered = true
      }
    }
  }

  private var wanted: Set<PairID>
  private var looked: Set<SpecID> = []

  /// A node that was proved below the wire and holds the VIP now, after a fail-over, can be proved on the wire: once a run, by a look alone.
  private mutating func proveBetter(_ certificate: CertificateState, at now: Date) {
    guard let survey = standings[certificate.spec.pair]?.survey, survey.unreachable.isEmpty,
      case .node(let active) = survey.node(activeFor: certificate.spec.vip),
      let installation = certificate.installations[active], installation.proof < .wire,
      looked.insert(certificate.spec.id).inserted
    else { return }
    offer(certificate, .unproved(node: active), at: now)
  }

  private mutating func withdraw(_ id: SpecID) {
    unfinished.remove(id)
    guard let certificate = state.certificates[id] else { return forget(id) }
    issuable[certificate.spec.pair]?.remove(id)
    guard let reference = certificate.issuedReference, waitingSince[reference] != nil else { return }
    for target in deployments[certificate.spec.pair].map({ Array($0.keys) }) ?? [] {
      deployments[certificate.spec.pair]?[target]?.remove(reference)
    }
  }

  /// It is no longer wanted: nobody may wait for it any more.
  private mutating func forget(_ id: SpecID) {
    for pair in issuable.keys { issuable[pair]?.remove(id) }
    for reference in waitingSince.keys where reference.spec == id { waitingSince[reference] = nil }
    deployments = deployments.mapValues { targets in targets.mapValues { items in items.filter { $0.spec != id } } }
    faults.forget(id)
  }

  private mutating func offer(_ certificate: CertificateState, _ reason: Reason, at now: Date) {
    guard let reference = certificate.issuedReference else { return }
    let pair = certificate.spec.pair
    if standings[pair] == nil { wanted.insert(pair) }
    let target: BatchTarget
    switch reason {
    case .owed(let node), .drifted(_, let node?): target = .node(node)
    default: target = .pair
    }
    deployments[pair, default: [:]][target, default: []].insert(reference)
    if waitingSince[reference] == nil { waitingSince[reference] = now }
  }

  // MARK: Work

  private mutating func surveys(at now: Date) -> [Work] {
    if surveysAll { wanted.formUnion(pairs.keys.filter { standings[$0] == nil }) }
    for (pair, standing) in standings {
      switch standing {
      case .unknown: wanted.insert(pair)
      case .surveying: break
      case .surveyed(let survey):
        if survey.isTroubled, now.timeIntervalSince(survey.at) >= PairStanding.troubleRecheckSeconds {
          wanted.insert(pair)
        }
      }
    }
    let chosen = wanted.filter {
      !state.isPaused($0, at: now) && !rollingOut.contains($0) && !pairLooks.underWay.contains($0)
    }.sorted()
    for pair in chosen { standings[pair] = .surveying }
    wanted.subtract(chosen)
    return chosen.map { .survey($0) }
  }
}
