public import Foundation

/// Says what a run does next: which pairs are asked, which certificates are issued, which batches are rolled out.
///
/// The whole of a run's planning state, owned by one task. It knows no clock and does nothing itself: records and surveys go in, work comes out.
/// The same value drives a forecast on a virtual clock.
public struct Dispatcher: Sendable {
  /// The present state, folded from the records learnt so far.
  public private(set) var state: FleetState
  /// What the CA's limits still allow.
  public var ledger: Ledger
  /// Why certificates of this run wait, for progress and reports: the limit that binds and until when.
  public private(set) var waiting: Waiting?

  private let inventory: Inventory
  private let pairs: [PairID: Pair]
  private let weights: [CustomerID: Int]
  private let batches: BatchPolicy
  private var random: SeededGenerator
  private var scheduler: Scheduler
  private var standings: [PairID: PairStanding] = [:]
  private var dirty: Set<SpecID>
  private var replanAt: Date
  private var deployments: [PairID: [BatchTarget: Set<AttemptReference>]] = [:]
  private var waitingSince: [AttemptReference: Date] = [:]
  private var unfinished: Set<SpecID> = []
  private var issuing: [SpecID: PairID] = [:]
  private var rollingOut: Set<PairID> = []
  private var holds: [SpecID: Hold] = [:]
  private var issuable: [PairID: Set<SpecID>] = [:]
  private var leavesLeft: Int
  private var isStopping = false
  private let surveysAll: Bool
  private let only: Set<SpecID>?

  /// What a limit keeps waiting.
  public struct Waiting: Sendable, Equatable {
    /// When the next token comes.
    public var until: Date
    /// What binds.
    public var boundBy: Binding
  }

  /// A pause that only this run knows: after failures that say nothing about the name itself.
  private struct Hold: Sendable {
    var until: Date
    var tries: Int
  }

  /// One thing to do.
  public enum Work: Sendable, Equatable {
    /// Ask both nodes of the pair who they are and who is active.
    case survey(PairID)
    /// Get one certificate; the lease's buckets are reserved.
    case issue(IssueOrder)
    /// Bring a batch onto its pair.
    case rollOut(RolloutOrder)
  }

  /// Leave to run one attempt.
  public struct IssueOrder: Sendable, Equatable {
    /// What to get.
    public var spec: CertificateSpec
    /// The attempt: a new one, or one that an earlier run left open.
    public var attempt: Attempt
    /// The revision it is for.
    public var revision: Int
    /// Whether the attempt is already in the journal.
    public var isResumed: Bool
    /// Bucket rows that moved by the reservation, to be stored with the intention.
    public var buckets: [BucketRow]
  }

  /// Starts a run over the state that the journal holds.
  ///
  /// - Parameters:
  ///   - surveysAll: ask every pair, also those without work: the nightly sweep does, to prove what could not be proved before.
  ///   - maximum: how many new attempts may be started in all.
  ///   - only: the certificates of a saved plan; renewals that fall due are done besides. Nil means all.
  public init(
    state: FleetState, inventory: Inventory, ledger: Ledger, seed: UInt64, surveysAll: Bool = false,
    maximum: Int = .max, only: Set<SpecID>? = nil, at now: Date
  ) {
    self.only = only
    self.state = state
    self.inventory = inventory
    self.ledger = ledger
    self.surveysAll = surveysAll
    pairs = Dictionary(uniqueKeysWithValues: inventory.pairs.map { ($0.id, $0) })
    weights = Dictionary(uniqueKeysWithValues: inventory.customers.map { ($0.id, $0.weight) })
    batches = BatchPolicy(inventory.pace)
    random = SeededGenerator(seed: seed)
    let attempts = inventory.pace.attemptsInFlight
    scheduler = Scheduler(limits: .init(total: attempts, perPair: attempts), seed: seed)
    dirty = Set(state.certificates.keys)
    replanAt = now.addingTimeInterval(Self.replanSeconds)
    leavesLeft = maximum
  }

  /// Renewals fall due and back-offs end while a run lasts: everything is looked at again this often.
  private static let replanSeconds: Double = 30

  // MARK: What comes in

  /// Folds records into the state; what they touch is decided anew.
  ///
  /// - Returns: the rows of the ledger that moved because of them, to be stored.
  public mutating func learn(_ records: [Record]) throws(IllegalTransition) -> [BucketRow] {
    var rows: [BucketKey: BucketRow] = [:]
    for record in records {
      for row in settle(record) { rows[row.key] = row }
      try state.apply(record)
      for subject in record.event.subjects {
        switch subject {
        case .certificate(let spec): dirty.insert(spec)
        case .pair(let pair): dirtyAll(of: pair)
        case .node, .account: break
        }
      }
      if case .retryAsked(let spec) = record.event {
        holds[spec] = nil
        exhausted.remove(spec)
      }
    }
    return rows.values.sorted { $0.key < $1.key }
  }

  /// Moves the ledger's buckets when the CA does, seen from what was recorded; must run before the record is folded.
  private mutating func settle(_ record: Record) -> [BucketRow] {
    switch record.event {
    case .orderCreated(let of, _): return ledger.orderCreated(of.attempt, at: record.at)
    case .issued(let of, _): return ledger.commit(of.attempt, at: record.at)
    case .attemptFailed(let of, let failure):
      guard let certificate = state.certificates[of.spec], let attempt = certificate.attempt, attempt.id == of.attempt,
        let authority = certificate.attemptAuthority
      else { return ledger.release(of.attempt, order: .placed, at: record.at) }
      var rows: [BucketRow] = []
      var fate = Ledger.OrderFate.placed
      switch attempt.state {
      case .makingKey, .requestingOrder: fate = .notPlaced
      // The CA refused newOrder and spent nothing, unless its answer never came.
      case .ordering: fate = failure.kind == .orderLost ? .placed : .notPlaced
      case .validating, .finalizing, .issued, .failed: break
      }
      if case .validating = attempt.state, failure.kind.loudness == .customer, let name = failure.name {
        rows += ledger.failedAuthorization(name, authority, by: of.attempt, at: record.at)
      }
      rows += ledger.release(of.attempt, order: fate, at: record.at)
      if failure.kind == .rateLimited {
        let signal = RateLimitSignal.read(
          status: 429, type: nil, detail: failure.detail, retryAfter: failure.retryAfter, at: record.at)
        if let signal {
          rows += ledger.apply(signal, to: planned(certificate, authority, at: record.at), at: record.at)
        }
      }
      return rows
    default: return []
    }
  }

  private func planned(_ certificate: CertificateState, _ authority: AuthorityID, at now: Date) -> PlannedOrder {
    // Boulder looks back 120 days for the exact set (`ratelimits`): such an order is let off the account's and the domain's limits.
    let isSameSet =
      certificate.issued.map {
        certificate.issuedRevision == certificate.revision && now.timeIntervalSince($0.notBefore) < 119 * 86_400
      }
    return PlannedOrder(
      authority: authority, names: certificate.spec.names, registeredDomains: certificate.spec.registeredDomains,
      exemption: isSameSet == true ? .sameSet : .none)
  }

  /// A survey came to its end.
  public mutating func surveyed(_ pair: PairID, _ survey: PairSurvey) {
    standings[pair] = .surveyed(survey)
    dirtyAll(of: pair)
  }

  /// An attempt came to its end; its events were learnt before.
  public mutating func attemptEnded(_ spec: SpecID, at now: Date) {
    issuing[spec] = nil
    scheduler.finished(spec)
    dirty.insert(spec)
    guard let certificate = state.certificates[spec], let failure = certificate.lastFailure,
      certificate.lastFailureAt.map({ $0 >= now.addingTimeInterval(-5) }) == true
    else {
      holds[spec] = nil
      return
    }
    hold(spec, after: failure, at: now)
  }

  /// A rollout came to its end; its events were learnt before.
  public mutating func rolloutEnded(_ order: RolloutOrder, failure: Failure?, at now: Date) {
    rollingOut.remove(order.pair)
    dirtyAll(of: order.pair)
    guard let failure else { return }
    // The roles or the nodes may have changed under the rollout: ask again before anything else is done there.
    standings[order.pair] = .unknown
    for item in order.items where failure.kind.retry != .backOff { hold(item.spec, after: failure, at: now) }
  }

  /// Nothing new is started any more; what runs comes to its end.
  public mutating func stop() { isStopping = true }

  /// Attempts that ended without the ledger's hearing of it, in a crash: what they held is settled.
  public mutating func settleOrphans(at now: Date) -> [BucketRow] {
    ledger.settleOrphans(open: Set(state.certificates.values.compactMap { $0.attempt?.id }), at: now)
  }

  /// When everything that may start would be issued: the very scheduler and ledger of a run, on a virtual clock.
  public func forecast(at now: Date) -> Forecast {
    let attempts = inventory.pace.attemptsInFlight
    var scheduler = Scheduler(limits: .init(total: attempts, perPair: attempts), seed: 0)
    for certificate in state.certificates.values {
      guard let pair = pairs[certificate.spec.pair] else { continue }
      let isPaused = state.pairs[pair.id]?.isPaused == true
      let (action, _) = Planner.decide(certificate, pair: pair, isPaused: isPaused, at: now)
      guard action == .issue || action == .renew else { continue }
      scheduler.add(candidate(certificate, isRenewal: action == .renew, at: now))
    }
    return Forecast.run(scheduler, ledger, from: now)
  }

  /// The CA cannot be asked: what is issued already is still rolled out.
  public mutating func stopOrdering() { leavesLeft = 0 }

  /// Whether anything is to be asked of the CA.
  public func hasOrders(at now: Date) -> Bool {
    Planner.plan(state, inventory: inventory, at: now).changes.contains { $0.action == .issue || $0.action == .renew }
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
    return surveys(at: now) + resumptions() + leases(at: now) + rollouts(at: now)
  }

  /// Whether nothing is going on and nothing will start by itself soon: the end of a run.
  public var isIdle: Bool {
    guard issuing.isEmpty, rollingOut.isEmpty, !standings.values.contains(.surveying) else { return false }
    if isStopping { return true }
    return waiting == nil && holds.isEmpty
  }

  /// When to look again if no news comes.
  public func wake(after now: Date) -> Date {
    var dates = [replanAt]
    if let waiting { dates.append(waiting.until) }
    dates += holds.values.map(\.until)
    if !waitingSince.isEmpty { dates.append(now.addingTimeInterval(1)) }
    return max(dates.min() ?? replanAt, now.addingTimeInterval(0.01))
  }

  /// Attempts and rollouts under way.
  public var inFlight: (attempts: Int, rollouts: Int) { (issuing.count, rollingOut.count) }

  /// What the nodes of a pair said last in this run.
  public func survey(of pair: PairID) -> PairSurvey? { standings[pair]?.survey }

  // MARK: Deciding

  private mutating func dirtyAll(of pair: PairID) {
    for certificate in state.certificates.values where certificate.spec.pair == pair {
      dirty.insert(certificate.spec.id)
    }
  }

  private mutating func hold(_ spec: SpecID, after failure: Failure, at now: Date) {
    let tries = (holds[spec]?.tries ?? 0) + 1
    switch failure.kind.retry {
    case .backOff, .byHand: holds[spec] = nil
    case .whenAllowed where failure.retryAfter != nil:
      holds[spec] = Hold(until: failure.retryAfter ?? now, tries: tries)
    case .whenAllowed, .whenHealed:
      // 2 s, 8 s, 32 s, then left for the next run: a passing fault heals within a run, a lasting one does not hold it up.
      holds[spec] = tries > 3 ? nil : Hold(until: now.addingTimeInterval(0.5 * Double(1 << (2 * tries))), tries: tries)
      if tries > 3 { exhausted.insert(spec) }
    }
  }

  private var exhausted: Set<SpecID> = []

  private mutating func refresh(at now: Date) {
    for (spec, hold) in holds where hold.until <= now && issuing[spec] == nil { dirty.insert(spec) }
    for spec in dirty { redecide(spec, at: now) }
    dirty.removeAll(keepingCapacity: true)
  }

  private mutating func redecide(_ id: SpecID, at now: Date) {
    guard issuing[id] == nil else { return }
    withdraw(id)
    guard let certificate = state.certificates[id], let pair = pairs[certificate.spec.pair], !exhausted.contains(id)
    else { return }
    if let hold = holds[id], hold.until > now { return }
    let isPaused = state.pairs[pair.id]?.isPaused == true
    let (action, reason) = Planner.decide(certificate, pair: pair, isPaused: isPaused, at: now)
    if let only, action == .issue, !only.contains(id) { return }
    switch action {
    case .keep, .blocked:
      holds[id] = nil
      return
    case .redeploy: offer(certificate, reason, at: now)
    case .issue, .renew:
      guard standings[pair.id] != nil else { return wanted.formUnion([pair.id]) }
      guard let survey = standings[pair.id]?.survey, case .node = survey.node(activeFor: certificate.spec.vip) else {
        holds[id] = nil
        return
      }
      issuable[pair.id, default: []].insert(id)
      if certificate.attempt != nil {
        unfinished.insert(id)
      } else {
        scheduler.add(candidate(certificate, isRenewal: action == .renew, at: now))
      }
    }
  }

  private var wanted: Set<PairID> = []

  private mutating func withdraw(_ id: SpecID) {
    scheduler.remove(id)
    unfinished.remove(id)
    guard let certificate = state.certificates[id] else { return }
    issuable[certificate.spec.pair]?.remove(id)
    guard let reference = certificate.issuedReference, waitingSince[reference] != nil else { return }
    for target in deployments[certificate.spec.pair].map({ Array($0.keys) }) ?? [] {
      deployments[certificate.spec.pair]?[target]?.remove(reference)
    }
  }

  private func candidate(_ certificate: CertificateState, isRenewal: Bool, at now: Date) -> Candidate {
    Candidate(
      spec: certificate.spec.id, kind: isRenewal ? .renew : .issue, pair: certificate.spec.pair,
      customer: certificate.spec.customer, order: planned(certificate, inventory.authorities[0].id, at: now),
      expiry: certificate.servedNotAfter, dangerAt: certificate.issued?.dangerAt,
      weight: certificate.spec.customer.flatMap { weights[$0] } ?? 1, looksBad: certificate.lastFailure != nil)
  }

  private mutating func offer(_ certificate: CertificateState, _ reason: Reason, at now: Date) {
    guard let reference = certificate.issuedReference else { return }
    let pair = certificate.spec.pair
    if standings[pair] == nil { wanted.insert(pair) }
    let target: BatchTarget
    if case .owed(let node) = reason { target = .node(node) } else { target = .pair }
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
    let chosen = wanted.filter { state.pairs[$0]?.isPaused != true && !rollingOut.contains($0) }.sorted()
    for pair in chosen { standings[pair] = .surveying }
    wanted.subtract(chosen)
    return chosen.map { .survey($0) }
  }

  private mutating func resumptions() -> [Work] {
    var works: [Work] = []
    for id in unfinished.sorted() where issuing.count < inventory.pace.attemptsInFlight && leavesLeft > 0 {
      guard let certificate = state.certificates[id], let attempt = certificate.attempt else { continue }
      unfinished.remove(id)
      issuing[id] = certificate.spec.pair
      works.append(
        .issue(
          IssueOrder(
            spec: certificate.spec, attempt: attempt, revision: certificate.attemptRevision, isResumed: true,
            buckets: [])))
    }
    return works
  }

  private mutating func leases(at now: Date) -> [Work] {
    var works: [Work] = []
    waiting = nil
    while leavesLeft > 0 {
      let attempt: AttemptID = random.id("a")
      switch scheduler.next(at: now, ledger: &ledger, attempt: attempt) {
      case .start(let lease):
        guard let certificate = state.certificates[lease.spec] else {
          scheduler.finished(lease.spec)
          continue
        }
        leavesLeft -= 1
        issuing[lease.spec] = certificate.spec.pair
        works.append(
          .issue(
            IssueOrder(
              spec: certificate.spec,
              attempt: Attempt(id: lease.attempt, spec: certificate.spec.id, names: certificate.spec.names),
              revision: certificate.revision, isResumed: false, buckets: lease.rows)))
      case .wait(let until, let boundBy):
        waiting = Waiting(until: until, boundBy: boundBy)
        return works
      case .idle:
        return works
      }
    }
    return works
  }

  private mutating func rollouts(at now: Date) -> [Work] {
    var works: [Work] = []
    for pair in deployments.keys.sorted() where !rollingOut.contains(pair) {
      guard let order = rollout(of: pair, at: now) else { continue }
      rollingOut.insert(pair)
      for item in order.items { waitingSince[item] = nil }
      works.append(.rollOut(order))
    }
    return works
  }

  /// The one batch of a pair that may start now: what a returned node owes goes first.
  private mutating func rollout(of id: PairID, at now: Date) -> RolloutOrder? {
    guard let pair = pairs[id], let survey = standings[id]?.survey, let targets = deployments[id] else { return nil }
    let moreIsComing =
      (issuing.values.contains(id) || !(issuable[id] ?? []).isEmpty) && waiting == nil && leavesLeft > 0 && !isStopping
    for target in targets.keys.sorted(by: { Self.rank($0) < Self.rank($1) }) {
      let items = (targets[target] ?? []).filter { isTouchable($0, target, pair, survey, at: now) }
      let oldest = items.compactMap { waitingSince[$0] }.min() ?? now
      guard batches.starts(waiting: items.count, oldestAge: now.timeIntervalSince(oldest), moreIsComing: moreIsComing)
      else { continue }
      let batch = Array(items.sorted(by: isMoreUrgent).prefix(batches.size))
      deployments[id]?[target]?.subtract(batch)
      let nodes = survey.rolloutOrder(of: pair.nodes.map(\.id))
      switch target {
      case .node(let node):
        return RolloutOrder(id: random.id("r"), pair: id, items: batch, first: node, second: nil, owing: nil)
      case .pair:
        guard let first = nodes.first else { return nil }
        return RolloutOrder(
          id: random.id("r"), pair: id, items: batch, first: first, second: nodes.dropFirst().first,
          owing: pair.nodes.map(\.id).first { survey.unreachable[$0] != nil })
      }
    }
    return nil
  }

  private static func rank(_ target: BatchTarget) -> String {
    switch target {
    case .node(let node): "0" + node.rawValue
    case .pair: "1"
    }
  }

  private func isMoreUrgent(_ left: AttemptReference, _ right: AttemptReference) -> Bool {
    let ends = [left, right].map { state.certificates[$0.spec]?.servedNotAfter ?? .distantFuture }
    return (ends[0], left.spec) < (ends[1], right.spec)
  }

  /// A dead peer delays a certificate until its danger line, unless the pair says `degraded: deploy`.
  private func isTouchable(
    _ item: AttemptReference, _ target: BatchTarget, _ pair: Pair, _ survey: PairSurvey, at now: Date
  ) -> Bool {
    guard let certificate = state.certificates[item.spec], certificate.issuedReference == item,
      state.pairs[pair.id]?.isPaused != true, case .node = survey.node(activeFor: certificate.spec.vip)
    else { return false }
    if case .node(let node) = target { return survey.unreachable[node] == nil }
    guard !survey.unreachable.isEmpty else { return true }
    guard survey.unreachable.count < pair.nodes.count else { return false }
    switch pair.degraded {
    case .deploy: return true
    case .waitUntilDanger: return certificate.isInDanger(at: now)
    }
  }
}

extension CertificateState {
  /// Whether the certificate that the VIP serves is past its danger line, so that even half a pair is better than waiting.
  public func isInDanger(at now: Date) -> Bool {
    guard let servedNotAfter, let issued else { return false }
    let ninth = issued.notAfter.timeIntervalSince(issued.notBefore) / 9
    return now >= servedNotAfter.addingTimeInterval(-ninth)
  }
}

extension PaceSettings {
  /// Attempts under way: keys are made on the nodes ahead of the orders, so that the CA never waits for a key.
  public var attemptsInFlight: Int { ordersInFlight * 3 }
}
