import Foundation

struct LaneKey: Hashable, Sendable {
  var gate: Int
  var meters: [Int]
}

struct CellKey: Hashable, Sendable {
  var lane: Int
  var pair: Int
}

struct MeterKey: Hashable, Sendable {
  var key: BucketKey
  var urgency: Urgency
}

struct GateKey: Hashable, Sendable {
  var key: BucketKey?
  var urgency: Urgency
}

/// Where jobs stand: in cells of lanes behind gates, in the alarm's heap, behind the same names.
extension Scheduler {
  func urgency(of wish: Wish, at now: Microseconds) -> Urgency {
    if wish.candidate.isUrgent { return .emergency }
    guard let danger = wish.candidate.dangerAt else { return .everyday }
    // What expired and still fails has nothing left to be saved; hundreds of customers who left must not take the reserve every day.
    if wish.candidate.looksBad, let expiry = wish.candidate.expiry, expiry.microseconds <= now { return .everyday }
    return danger.microseconds <= now ? .emergency : .everyday
  }

  /// Puts a job where it belongs now.
  mutating func place(_ index: Int, at now: Microseconds) {
    let wish = jobs[index].wish
    if let notBefore = wish.candidate.notBefore?.microseconds, notBefore > now {
      sleep(index, until: notBefore, .backOff(wish.candidate.spec))
      return
    }
    let urgency = urgency(of: wish, at: now)
    if urgency == .everyday, let danger = wish.candidate.dangerAt, danger.microseconds > now {
      setAlarm(Alarm(at: danger.microseconds, kind: .danger, index: index, stamp: jobs[index].stamp + 1))
    }
    let cell = cell(for: wish, urgency)
    jobs[index].cell = cell
    jobs[index].place = .ready
    jobs[index].stamp += 1
    jobs[index].readyAt = now
    cells[cell].jobs.push(Entry(rank: wish.rank, index: index, stamp: jobs[index].stamp))
    if cells[cell].jobs.isCrowded {
      var heap = Heap<Entry>()
      swap(&heap, &cells[cell].jobs)
      heap.keep { jobs[$0.index].stamp == $0.stamp }
      cells[cell].jobs = heap
    }
    for meter in lanes[cells[cell].lane].meters { meters[meter].ready += 1 }
    touch(cell)
  }

  mutating func sleep(_ index: Int, until: Microseconds, _ binding: Binding) {
    jobs[index].place = .asleep(binding)
    jobs[index].stamp += 1
    setAlarm(Alarm(at: until, kind: .wake, index: index, stamp: jobs[index].stamp))
  }

  mutating func setAlarm(_ alarm: Alarm) {
    if alarms.isCrowded {
      var heap = Heap<Alarm>()
      swap(&heap, &alarms)
      heap.keep { isLive($0) }
      alarms = heap
    }
    alarms.push(alarm)
  }

  /// Takes a ready job out of its cell.
  mutating func takeOut(_ index: Int) {
    jobs[index].stamp += 1
    let cell = jobs[index].cell
    for meter in lanes[cells[cell].lane].meters { meters[meter].ready -= 1 }
    touch(cell)
  }

  /// A cell's best may have changed: its lane, or the pair where it is parked, must see the new one.
  mutating func touch(_ cell: Int) {
    cells[cell].stamp += 1
    if let best = bestEntry(of: cell) {
      let entry = Entry(rank: best.rank, index: cell, stamp: cells[cell].stamp)
      if cells[cell].isParked {
        park(entry, at: cells[cell].pair, gate: lanes[cells[cell].lane].gate)
        markPairDirty(cells[cell].pair)
      } else {
        offer(entry, to: cells[cell].lane)
      }
    } else if !cells[cell].isParked {
      markPairDirty(cells[cell].pair)
    }
    markDirty(cells[cell].lane)
  }

  private mutating func park(_ entry: Entry, at pair: Int, gate: Int) {
    var heap = Heap<Entry>()
    swap(&heap, &pairs[pair].parked[gate, default: Heap()])
    if heap.isCrowded { heap.keep { cells[$0.index].stamp == $0.stamp && cells[$0.index].isParked } }
    heap.push(entry)
    pairs[pair].parked[gate] = heap
  }

  private mutating func offer(_ entry: Entry, to lane: Int) {
    var heap = Heap<Entry>()
    swap(&heap, &lanes[lane].cells)
    if heap.isCrowded { heap.keep { cells[$0.index].stamp == $0.stamp && !cells[$0.index].isParked } }
    heap.push(entry)
    lanes[lane].cells = heap
  }

  mutating func bestEntry(of cell: Int) -> Entry? {
    while let entry = cells[cell].jobs.first {
      if jobs[entry.index].stamp == entry.stamp { return entry }
      cells[cell].jobs.pop()
    }
    return nil
  }

  mutating func bestCell(of lane: Int) -> Entry? {
    while let entry = lanes[lane].cells.first {
      if cells[entry.index].stamp == entry.stamp, !cells[entry.index].isParked { return entry }
      lanes[lane].cells.pop()
    }
    return nil
  }

  mutating func bestJob(of lane: Int) -> Int? {
    guard let cell = bestCell(of: lane) else { return nil }
    return bestEntry(of: cell.index)?.index
  }

  mutating func markDirty(_ lane: Int) {
    guard !lanes[lane].isDirty else { return }
    lanes[lane].isDirty = true
    dirtyLanes.append(lane)
  }

  mutating func markMeterDirty(_ meter: Int) {
    guard !meters[meter].isDirty, !meters[meter].sleeping.isEmpty else { return }
    meters[meter].isDirty = true
    dirtyMeters.append(meter)
  }

  mutating func markPairDirty(_ pair: Int) {
    guard !pairs[pair].isDirty, pairs[pair].parkedCount > 0 else { return }
    pairs[pair].isDirty = true
    dirtyPairs.append(pair)
  }

  mutating func desk(of pair: PairID) -> Int {
    if let index = pairOf[pair] { return index }
    pairs.append(PairDesk(id: pair))
    pairOf[pair] = pairs.count - 1
    return pairs.count - 1
  }

  private mutating func cell(for wish: Wish, _ urgency: Urgency) -> Int {
    let lane = lane(for: wish, urgency)
    let key = CellKey(lane: lane, pair: desk(of: wish.candidate.pair))
    if let index = cellOf[key] { return index }
    cells.append(Cell(lane: lane, pair: key.pair))
    cellOf[key] = cells.count - 1
    lanes[lane].cellIndices.append(cells.count - 1)
    return cells.count - 1
  }

  private mutating func lane(for wish: Wish, _ urgency: Urgency) -> Int {
    var gateKey: BucketKey?
    var needed: [Int] = []
    // An open try holds its tokens already.
    if wish.candidate.attempt == nil {
      for charge in wish.candidate.order.charges where charge.isGate {
        if charge.key.limit == .newOrdersPerAccount { gateKey = charge.key }
        if charge.key.limit == .certificatesPerDomain { needed.append(meter(charge.key, urgency)) }
      }
    }
    let key = LaneKey(gate: gate(gateKey, urgency), meters: needed.sorted())
    if let index = laneOf[key] { return index }
    lanes.append(Lane(gate: key.gate, meters: key.meters))
    laneOf[key] = lanes.count - 1
    return lanes.count - 1
  }

  private mutating func meter(_ key: BucketKey, _ urgency: Urgency) -> Int {
    let meterKey = MeterKey(key: key, urgency: urgency)
    if let index = meterOf[meterKey] { return index }
    meters.append(Meter(key: key, urgency: urgency))
    meterOf[meterKey] = meters.count - 1
    return meters.count - 1
  }

  private mutating func gate(_ key: BucketKey?, _ urgency: Urgency) -> Int {
    let gateKey = GateKey(key: key, urgency: urgency)
    if let index = gateOf[gateKey] { return index }
    gates.append(Gate(key: key, urgency: urgency))
    gateOf[gateKey] = gates.count - 1
    return gates.count - 1
  }
}
