import Foundation

/// What may start at a moment, and what comes first.
extension Scheduler {
  /// Lets time pass: back-offs end, certificates come into danger, buckets and windows reopen, what was added finds its place.
  mutating func ring(at now: Microseconds) {
    while let alarm = alarms.first, alarm.at <= now {
      alarms.pop()
      guard isLive(alarm) else { continue }
      switch alarm.kind {
      case .wake:
        if case .asleep(let binding) = jobs[alarm.index].place { jobs[alarm.index].heldBy = binding }
        place(alarm.index, at: now)
      case .danger:
        takeOut(alarm.index)
        place(alarm.index, at: now)
      case .meter:
        meters[alarm.index].wakeAt = nil
        markMeterDirty(alarm.index)
      case .pair:
        pairs[alarm.index].wakeAt = nil
        markPairDirty(alarm.index)
      }
    }
    while let transition = transitions.first, transition.at <= now {
      transitions.pop()
      if lanes[transition.lane].stamp == transition.stamp { markDirty(transition.lane) }
    }
    let arrived = incoming
    incoming = []
    for index in arrived {
      switch jobs[index].place {
      case .incoming: place(index, at: now)
      case .aside:
        jobs[index].heldBy = .sameSet
        place(index, at: now)
      case .ready, .asleep, .inFlight, .gone: break
      }
    }
  }

  func isLive(_ alarm: Alarm) -> Bool {
    switch alarm.kind {
    case .wake, .danger: jobs[alarm.index].stamp == alarm.stamp
    case .meter: meters[alarm.index].wakeAt == alarm.at
    case .pair: pairs[alarm.index].wakeAt == alarm.at
    }
  }

  /// Asks the ledger for the account's bucket, once a decision.
  mutating func openGates(_ ledger: Ledger, at now: Microseconds) {
    for gate in gates.indices {
      let before = gates[gate].opening
      let opening = gates[gate].key.map { ledger.opening(of: $0, for: gates[gate].urgency, at: now) } ?? .open
      gates[gate].opening = opening
      guard opening == .open else { continue }
      switch before {
      case .open: break
      case .at(let moment): gates[gate].openedAt = min(now, moment)
      case .occupied: gates[gate].openedAt = now
      }
      for pair in gates[gate].waitingPairs.sorted() { markPairDirty(pair) }
      gates[gate].waitingPairs = []
    }
  }

  /// Brings every queue up to date with what changed.
  mutating func settle(_ ledger: Ledger, at now: Microseconds) {
    while true {
      if let lane = dirtyLanes.popLast() {
        if lanes[lane].isDirty { evaluate(lane, ledger, at: now) }
      } else if let meter = dirtyMeters.popLast() {
        meters[meter].isDirty = false
        wake(meter, ledger, at: now)
      } else if let pair = dirtyPairs.popLast() {
        pairs[pair].isDirty = false
        unpark(pair, ledger, at: now)
      } else {
        return
      }
    }
  }

  /// Finds a lane's place: empty, asleep at a bucket, or awake in one of its gate's queues.
  private mutating func evaluate(_ lane: Int, _ ledger: Ledger, at now: Microseconds) {
    lanes[lane].isDirty = false
    lanes[lane].stamp += 1
    guard let best = bestCell(of: lane) else {
      lanes[lane].state = .empty
      // It may have been woken for a token that others can use.
      for meter in lanes[lane].meters { markMeterDirty(meter) }
      return
    }
    let entry = Entry(rank: best.rank, index: lane, stamp: lanes[lane].stamp)
    var tail: (finish: Microseconds, surplus: Int64, tat: Microseconds, isFull: Bool, refill: Microseconds)?
    for meter in lanes[lane].meters {
      let key = meters[meter].key
      guard let quota = ledger.quota(of: key) else { continue }
      let bucket = ledger.buckets[key] ?? Bucket()
      let kept = ledger.kept(key, quota, meters[meter].urgency)
      let earliest = quota.earliest(tat: bucket.tat, cost: bucket.reserved + 1 + kept)
      guard let earliest, earliest <= now else {
        fallAsleep(entry, at: meter, until: earliest)
        return
      }
      let refill = quota.refillMicroseconds
      let tat = max(now, bucket.tat) + bucket.reserved * refill
      // Work beyond what a full bucket holds: it takes one refill each, whatever happens.
      let surplus = meters[meter].ready - (quota.burst - kept)
      let finish = tat + surplus * refill
      if finish > tail?.finish ?? .min { tail = (finish, surplus, tat, tat == now, refill) }
    }
    lanes[lane].state = .awake
    let gate = lanes[lane].gate
    tidy(gate)
    if gates[gate].urgency == .emergency {
      gates[gate].free.push(entry)
    } else if best.rank.looksBad {
      // Without a tail none goes before another because it was looked at later.
      let finish = tail.map { $0.finish > now ? $0.finish : 0 } ?? 0
      let failures = best.rank.failures
      gates[gate].last.push(TailEntry(failures: failures, tail: finish, tat: tail?.tat ?? 0, entry: entry))
    } else if let tail, tail.finish > now {
      if tail.isFull {
        gates[gate].full.push(TailEntry(tail: tail.surplus * tail.refill, tat: 0, entry: entry))
      } else {
        gates[gate].spent.push(TailEntry(tail: tail.finish, tat: tail.tat, entry: entry))
        let change = tail.surplus <= 0 ? tail.finish : tail.tat
        transitions.push(Transition(at: change, lane: lane, stamp: entry.stamp))
      }
    } else {
      gates[gate].free.push(entry)
    }
  }

  private mutating func fallAsleep(_ entry: Entry, at meter: Int, until: Microseconds?) {
    let lane = entry.index
    lanes[lane].state = .asleep(meter: meter)
    if meters[meter].sleeping.isCrowded {
      var heap = Heap<Entry>()
      swap(&heap, &meters[meter].sleeping)
      heap.keep { lanes[$0.index].stamp == $0.stamp }
      meters[meter].sleeping = heap
    }
    meters[meter].sleeping.push(entry)
    if let until { setAlarm(meter: meter, at: until) }
    // Whoever waits for what this lane cannot use now gets it: other lanes at its other buckets, other cells of its pairs.
    for other in lanes[lane].meters where other != meter { markMeterDirty(other) }
    for cell in lanes[lane].cellIndices where !cells[cell].isParked { markPairDirty(cells[cell].pair) }
  }

  private mutating func setAlarm(meter: Int, at moment: Microseconds) {
    if let set = meters[meter].wakeAt, set <= moment { return }
    meters[meter].wakeAt = moment
    setAlarm(Alarm(at: moment, kind: .meter, index: meter, stamp: 0))
  }

  /// Wakes the best lane that sleeps at a bucket, if there is a token. Each start asks again, so one is enough.
  private mutating func wake(_ meter: Int, _ ledger: Ledger, at now: Microseconds) {
    guard !meters[meter].sleeping.isEmpty else { return }
    switch ledger.opening(of: meters[meter].key, for: meters[meter].urgency, at: now) {
    case .at(let moment): setAlarm(meter: meter, at: moment)
    case .occupied: break
    case .open:
      while let entry = meters[meter].sleeping.pop() {
        let lane = entry.index
        guard lanes[lane].stamp == entry.stamp, lanes[lane].state == .asleep(meter: meter) else { continue }
        lanes[lane].wokeAt = now
        lanes[lane].wokenBy = meters[meter].key
        markDirty(lane)
        return
      }
    }
  }

  /// Lets the best parked cell of a pair with room take part again, per gate until one is awake.
  private mutating func unpark(_ pair: Int, _ ledger: Ledger, at now: Microseconds) {
    guard pairs[pair].parkedCount > 0, hasRoom(pair, at: now) else { return }
    for gate in pairs[pair].parked.keys.sorted() {
      guard gates[gate].opening == .open else {
        gates[gate].waitingPairs.insert(pair)
        continue
      }
      while let entry = pairs[pair].parked[gate]?.pop() {
        let cell = entry.index
        guard cells[cell].isParked, cells[cell].stamp == entry.stamp else { continue }
        cells[cell].isParked = false
        cells[cell].releasedAt = now
        pairs[pair].parkedCount -= 1
        touch(cell)
        let lane = cells[cell].lane
        evaluate(lane, ledger, at: now)
        if lanes[lane].state == .awake { break }
      }
    }
  }

  /// Whether a pair is open and has less in flight than it may; sets the alarm for its opening.
  mutating func hasRoom(_ pair: Int, at now: Microseconds) -> Bool {
    guard pairs[pair].inFlight < limits.perPair else { return false }
    guard let opening = pairs[pair].opens(from: now) else { return false }
    guard opening > now else { return true }
    if pairs[pair].wakeAt != opening {
      pairs[pair].wakeAt = opening
      setAlarm(Alarm(at: opening, kind: .pair, index: pair, stamp: 0))
    }
    return false
  }

  /// A cell steps aside until its pair has room.
  mutating func park(_ cell: Int) {
    let pair = cells[cell].pair
    cells[cell].isParked = true
    cells[cell].parkedBy = pairs[pair].inFlight < limits.perPair ? .closed(pairs[pair].id) : .pair(pairs[pair].id)
    pairs[pair].parkedCount += 1
    touch(cell)
  }

  /// The ledger refused although the queues were hopeful: only that job, lane or gate steps aside.
  mutating func stepAside(_ index: Int, _ key: BucketKey, until: Microseconds?) {
    let lane = cells[jobs[index].cell].lane
    let gate = lanes[lane].gate
    if gates[gate].key == key {
      gates[gate].opening = until.map { .at($0) } ?? .occupied
    } else if lanes[lane].meters.contains(where: { meters[$0].key == key }) {
      markDirty(lane)
    } else {
      takeOut(index)
      if let until {
        sleep(index, until: until, .limit(key))
      } else {
        jobs[index].place = .aside
        untilOneEnds.append(index)
      }
    }
  }

  mutating func bestLane(at now: Microseconds) -> Int? {
    var best: Precedence?
    func offer(_ precedence: Precedence) {
      if let held = best, held < precedence { return }
      best = precedence
    }
    for gate in gates.indices where gates[gate].opening == .open {
      clean(gate)
      if let top = gates[gate].free.first {
        let tier = gates[gate].urgency == .emergency ? 0 : 2
        offer(Precedence(tier: tier, tail: 0, isSpent: false, rank: top.rank, lane: top.index))
      }
      if let top = gates[gate].full.first {
        offer(Precedence(tier: 1, tail: top.tail, isSpent: false, rank: top.entry.rank, lane: top.entry.index))
      }
      if let top = gates[gate].spent.first {
        offer(Precedence(tier: 1, tail: top.tail - now, isSpent: true, rank: top.entry.rank, lane: top.entry.index))
      }
      if let top = gates[gate].last.first {
        offer(Precedence(tier: 3, tail: top.tail - now, isSpent: false, rank: top.entry.rank, lane: top.entry.index))
      }
    }
    return best?.lane
  }

  /// Throws outdated entries off the tops of a gate's queues.
  private mutating func clean(_ gate: Int) {
    while let top = gates[gate].free.first, !isAwake(top) { gates[gate].free.pop() }
    while let top = gates[gate].full.first, !isAwake(top.entry) { gates[gate].full.pop() }
    while let top = gates[gate].spent.first, !isAwake(top.entry) { gates[gate].spent.pop() }
    while let top = gates[gate].last.first, !isAwake(top.entry) { gates[gate].last.pop() }
  }

  /// Keeps only what lives in queues that have doubled since they were last cleaned.
  private mutating func tidy(_ gate: Int) {
    guard
      gates[gate].free.isCrowded || gates[gate].full.isCrowded || gates[gate].spent.isCrowded
        || gates[gate].last.isCrowded || transitions.isCrowded
    else { return }
    var queues = gates[gate]
    gates[gate].free = Heap()
    gates[gate].full = Heap()
    gates[gate].spent = Heap()
    gates[gate].last = Heap()
    if queues.free.isCrowded { queues.free.keep { isAwake($0) } }
    if queues.full.isCrowded { queues.full.keep { isAwake($0.entry) } }
    if queues.spent.isCrowded { queues.spent.keep { isAwake($0.entry) } }
    if queues.last.isCrowded { queues.last.keep { isAwake($0.entry) } }
    gates[gate] = queues
    var changes = Heap<Transition>()
    swap(&changes, &transitions)
    if changes.isCrowded { changes.keep { lanes[$0.lane].stamp == $0.stamp } }
    transitions = changes
  }

  /// Entries that heaps hold, living or not: what a test watches for leaks.
  var entryCount: Int {
    gates.reduce(0) { $0 + $1.free.count + $1.full.count + $1.spent.count + $1.last.count }
      + alarms.count + transitions.count + cells.reduce(0) { $0 + $1.jobs.count }
      + lanes.reduce(0) { $0 + $1.cells.count }
      + meters.reduce(0) { $0 + $1.sleeping.count }
      + pairs.reduce(0) { $0 + $1.parked.values.reduce(0) { $0 + $1.count } }
  }

  private func isAwake(_ entry: Entry) -> Bool {
    lanes[entry.index].stamp == entry.stamp && lanes[entry.index].state == .awake
  }

  /// Nothing can start: until when, and what binds?
  mutating func waiting() -> Decision {
    while let alarm = alarms.first, !isLive(alarm) { alarms.pop() }
    var best = alarms.first.map { (at: $0.at, binding: binding(of: $0)) }
    for gate in gates.indices {
      guard case .at(let moment) = gates[gate].opening, let key = gates[gate].key else { continue }
      clean(gate)
      let hasWork =
        !(gates[gate].free.isEmpty && gates[gate].full.isEmpty && gates[gate].spent.isEmpty && gates[gate].last.isEmpty)
      // Parked cells count too: their pair may have room already.
      guard hasWork || !gates[gate].waitingPairs.isEmpty else { continue }
      if moment < best?.at ?? .max { best = (moment, .limit(key)) }
    }
    return best.map { .wait(until: Date(microseconds: $0.at), boundBy: $0.binding) } ?? .idle
  }

  private func binding(of alarm: Alarm) -> Binding {
    switch alarm.kind {
    case .wake:
      if case .asleep(let binding) = jobs[alarm.index].place { return binding }
      return .backOff(jobs[alarm.index].wish.candidate.spec)
    case .danger:
      let lane = lanes[cells[jobs[alarm.index].cell].lane]
      if case .asleep(let meter) = lane.state { return .limit(meters[meter].key) }
      return gates[lane.gate].key.map { .limit($0) } ?? .pair(jobs[alarm.index].wish.candidate.pair)
    case .meter: return .limit(meters[alarm.index].key)
    case .pair: return .closed(pairs[alarm.index].id)
    }
  }

  /// What a job that starts now had to wait for last.
  func lastBinding(of index: Int) -> Binding? {
    let readyAt = jobs[index].readyAt
    let cell = jobs[index].cell
    let lane = cells[cell].lane
    let gate = lanes[lane].gate
    var last: (at: Microseconds, binding: Binding)?
    func offer(_ at: Microseconds, _ binding: Binding?) {
      guard let binding, at > readyAt, at > last?.at ?? .min else { return }
      last = (at, binding)
    }
    offer(lanes[lane].wokeAt, lanes[lane].wokenBy.map { .limit($0) })
    offer(gates[gate].openedAt, gates[gate].key.map { .limit($0) })
    offer(cells[cell].releasedAt, cells[cell].parkedBy)
    offer(totalFreedAt, .total)
    return last?.binding ?? jobs[index].heldBy
  }
}
