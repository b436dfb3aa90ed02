public import Foundation

/// Decides what starts next. One for real runs and for forecasts; a value without clock or chance.
///
/// Order: emergencies (an operator's, or a served certificate near its end) by expiry; then the registered domain with the longest
/// remaining tail, the time that its bucket still needs when everything else stands aside; then the nearest expiry, the heavier
/// customer, and a stable hash. What looks bad goes last. Work that a bucket, a pair or a back-off holds never holds other work.
///
/// Every step costs O(log n): 100 000 names are planned in seconds. The ledger alone decides what may start; what the scheduler
/// remembers of buckets only spares it from asking in vain.
public struct Scheduler: Sendable {
  /// How much may be in flight.
  public struct Limits: Sendable, Equatable {
    /// Over the whole fleet.
    public var total: Int
    /// On one pair.
    public var perPair: Int

    /// At least one each.
    public init(total: Int = 8, perPair: Int = 8) {
      self.total = max(1, total)
      self.perPair = max(1, perPair)
    }
  }

  /// How much may be in flight.
  public let limits: Limits
  let seed: UInt64

  var jobs: [Job] = []
  var freeSlots: [Int] = []
  var jobOf: [SpecID: Int] = [:]
  var incoming: [Int] = []
  var flying: [NameSet: SpecID] = [:]
  var behind: [NameSet: [Int]] = [:]
  var cells: [Cell] = []
  var lanes: [Lane] = []
  var laneOf: [LaneKey: Int] = [:]
  var cellOf: [CellKey: Int] = [:]
  var meters: [Meter] = []
  var meterOf: [MeterKey: Int] = [:]
  var gates: [Gate] = []
  var gateOf: [GateKey: Int] = [:]
  var pairs: [PairDesk] = []
  var pairOf: [PairID: Int] = [:]
  var alarms = Heap<Alarm>()
  var transitions = Heap<Transition>()
  var dirtyLanes: [Int] = []
  var dirtyMeters: [Int] = []
  var dirtyPairs: [Int] = []
  var untilOneEnds: [Int] = []
  var totalWasFull = false
  var totalFreedAt: Microseconds = .min

  /// Nothing to do yet. The seed is the sweep's: it decides the spread among equals.
  public init(limits: Limits = Limits(), seed: UInt64 = 0) {
    self.limits = limits
    self.seed = seed
  }

  /// Replaces what is wanted, after a new plan. What is in flight stays so, and is left out until it is finished.
  public mutating func update(_ candidates: [Candidate]) {
    var wanted = Set<SpecID>(minimumCapacity: candidates.count)
    for candidate in candidates {
      wanted.insert(candidate.spec)
      add(candidate)
    }
    for spec in jobOf.keys.filter({ !wanted.contains($0) }).sorted() { remove(spec) }
  }

  /// Adds or changes one; nothing happens while it is in flight, or when it is the same.
  public mutating func add(_ candidate: Candidate) {
    if let index = jobOf[candidate.spec] {
      if case .inFlight = jobs[index].place { return }
      if jobs[index].wish.candidate == candidate { return }
      remove(candidate.spec)
    }
    let wish = Wish(candidate, seed: seed)
    let index: Int
    if let slot = freeSlots.popLast() {
      index = slot
      let stamp = jobs[slot].stamp
      jobs[slot] = Job(wish: wish, place: .incoming, stamp: stamp + 1)
    } else {
      index = jobs.count
      jobs.append(Job(wish: wish, place: .incoming))
    }
    jobOf[candidate.spec] = index
    incoming.append(index)
  }

  /// Takes one out that is not in flight.
  public mutating func remove(_ spec: SpecID) {
    guard let index = jobOf[spec], jobs[index].place != .inFlight else { return }
    if jobs[index].place == .ready { takeOut(index) }
    free(index)
  }

  /// An attempt ended, well or not, and the ledger knows. To try again, add it anew.
  public mutating func finished(_ spec: SpecID) {
    guard let index = jobOf[spec], jobs[index].place == .inFlight else { return }
    let wish = jobs[index].wish
    let cell = jobs[index].cell
    let pair = cells[cell].pair
    pairs[pair].inFlight -= 1
    markPairDirty(pair)
    if flying[wish.candidate.order.names] == spec {
      flying[wish.candidate.order.names] = nil
      if !behind.isEmpty { incoming += behind.removeValue(forKey: wish.candidate.order.names) ?? [] }
    }
    for charge in wish.candidate.order.charges where charge.key.limit == .certificatesPerDomain {
      for urgency in [Urgency.everyday, .emergency] {
        if let meter = meterOf[MeterKey(key: charge.key, urgency: urgency)] { markMeterDirty(meter) }
      }
    }
    markDirty(cells[cell].lane)
    incoming += untilOneEnds
    untilOneEnds = []
    inFlightCount -= 1
    free(index)
  }

  /// Nothing starts on the pair before then; `.distantFuture` for a pause, nil to lift it.
  public mutating func hold(_ pair: PairID, until: Date?) {
    let desk = desk(of: pair)
    pairs[desk].heldUntil = until?.microseconds ?? .min
    markPairDirty(desk)
  }

  /// How many are in flight.
  public private(set) var inFlightCount = 0

  /// How many are known and not in flight.
  public var waitingCount: Int { jobOf.count - inFlightCount }

  /// The next thing to do. A start reserves its tokens in the ledger under the attempt's id, and counts as in flight until `finished`.
  ///
  /// - Parameter attempt: the id that a new attempt gets; not asked for where none starts, or where an open one goes on.
  public mutating func next(
    at now: Date, ledger: inout Ledger, attempt: @autoclosure () -> AttemptID
  ) -> Decision {
    let moment = now.microseconds
    guard inFlightCount < limits.total else {
      totalWasFull = true
      return .idle
    }
    if totalWasFull {
      totalWasFull = false
      totalFreedAt = moment
    }
    ring(at: moment)
    openGates(ledger, at: moment)
    while true {
      settle(ledger, at: moment)
      guard let lane = bestLane(at: moment) else { return waiting() }
      guard let index = bestJob(of: lane) else {
        markDirty(lane)
        continue
      }
      let cell = jobs[index].cell
      guard hasRoom(cells[cell].pair, at: moment) else {
        park(cell)
        continue
      }
      let wish = jobs[index].wish
      if flying[wish.candidate.order.names] != nil {
        takeOut(index)
        jobs[index].place = .aside
        behind[wish.candidate.order.names, default: []].append(index)
        continue
      }
      if let open = wish.candidate.attempt, ledger.isReserved(open) {
        return .start(start(index, attempt: open, rows: [], at: moment))
      }
      switch ledger.decide(wish.candidate.order, for: urgency(of: wish, at: moment), at: now) {
      case .now:
        let id = wish.candidate.attempt ?? attempt()
        let rows = ledger.reserve(id, wish.candidate.order, at: now)
        return .start(start(index, attempt: id, rows: rows, at: moment))
      case .wait(let until, let key): stepAside(index, key, until: until.microseconds)
      case .occupied(let key): stepAside(index, key, until: nil)
      }
    }
  }

  /// What could start now as far as queues know.
  var ready: [Candidate] { jobOf.values.compactMap { jobs[$0].place == .ready ? jobs[$0].wish.candidate : nil } }

  /// Starts this one, whatever stands before it; nil where it is not ready, or where its pair or the ledger says no.
  mutating func pick(_ spec: SpecID, at now: Date, ledger: inout Ledger, attempt: AttemptID) -> Lease? {
    let moment = now.microseconds
    guard inFlightCount < limits.total, let index = jobOf[spec], jobs[index].place == .ready else { return nil }
    let wish = jobs[index].wish
    guard hasRoom(cells[jobs[index].cell].pair, at: moment), flying[wish.candidate.order.names] == nil,
      ledger.decide(wish.candidate.order, for: urgency(of: wish, at: moment), at: now) == .now
    else { return nil }
    let id = wish.candidate.attempt ?? attempt
    let rows = ledger.reserve(id, wish.candidate.order, at: now)
    return start(index, attempt: id, rows: rows, at: moment)
  }

  private mutating func start(_ index: Int, attempt: AttemptID, rows: [BucketRow], at now: Microseconds) -> Lease {
    let wish = jobs[index].wish
    let boundBy = lastBinding(of: index)
    takeOut(index)
    let cell = jobs[index].cell
    jobs[index].place = .inFlight
    flying[wish.candidate.order.names] = wish.candidate.spec
    pairs[cells[cell].pair].inFlight += 1
    inFlightCount += 1
    // Others that wait for the same bucket get their turn at what is left in it.
    for meter in lanes[cells[cell].lane].meters { markMeterDirty(meter) }
    markPairDirty(cells[cell].pair)
    return Lease(
      spec: wish.candidate.spec, kind: wish.candidate.kind, pair: wish.candidate.pair,
      customer: wish.candidate.customer, attempt: attempt, order: wish.candidate.order, rows: rows, boundBy: boundBy)
  }

  private mutating func free(_ index: Int) {
    jobOf[jobs[index].wish.candidate.spec] = nil
    jobs[index].place = .gone
    jobs[index].stamp += 1
    freeSlots.append(index)
  }
}
