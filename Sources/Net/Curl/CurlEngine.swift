import CCurl

/// What runs on the loop's thread: the multi handle, the transfers in it, and those that wait for a place.
struct CurlEngine: ~Copyable {
  private typealias Answer = CurlLoop.Answer

  private struct Waiting {
    var number: UInt
    var plan: TransferPlan
    var end: ContinuousClock.Instant
    var answer: Answer
  }

  private final class Running {
    let easy: EasyHandle
    let lane: TransferPlan.Lane?
    let answer: Answer

    init(easy: consuming EasyHandle, lane: TransferPlan.Lane?, answer: Answer) {
      self.easy = easy
      self.lane = lane
      self.answer = answer
    }
  }

  /// How late a transfer that waits for a place may learn that its deadline has passed.
  private static let glance = Duration.milliseconds(50)

  private let mailbox: Mailbox<CurlLoop.Letter>
  private let clock = ContinuousClock()
  private var running: [UInt: Running] = [:]
  private var waiting: [TransferPlan.Lane: Queue<Waiting>] = [:]
  private var taken: [TransferPlan.Lane: Int] = [:]
  private var nextGlance: ContinuousClock.Instant

  init(mailbox: Mailbox<CurlLoop.Letter>) {
    self.mailbox = mailbox
    nextGlance = clock.now
  }

  /// Works until the loop is shut down.
  mutating func run() {
    // Enough for 8 to 16 connections to each of a few servers; probes keep none.
    guard var multi = MultiHandle(keepingConnections: 128) else {
      return end(with: NetError(.other, "libcurl could not start"))
    }
    while true {
      for letter in mailbox.collect() {
        switch letter {
        case .start(let number, let plan, let answer):
          admit(Waiting(number: number, plan: plan, end: clock.now + plan.deadline, answer: answer), to: &multi)
        case .cancel(let number):
          cancel(number, in: &multi)
        case .shutDown:
          for transfer in running.values { multi.remove(transfer.easy) }
          return end(with: NetError(.cancelled, "the loop was shut down"))
        }
      }
      guard multi.perform() else {
        for transfer in running.values { multi.remove(transfer.easy) }
        return end(with: NetError(.other, "libcurl could not go on"))
      }
      var hasStarted = false
      while let (number, code) = multi.nextEnded() {
        guard let transfer = running.removeValue(forKey: number) else { continue }
        multi.remove(transfer.easy)
        transfer.answer.resume(returning: transfer.easy.result(code))
        if free(transfer.lane, in: &multi) { hasStarted = true }
      }
      endTheLate()
      // What was just started has to be performed once before there is anything to wait for.
      if !hasStarted { multi.sleep(milliseconds: pause(), orInputOn: mailbox.doorbell.descriptor) }
    }
  }

  /// Starts the transfer, or lets it wait for a place in its lane.
  private mutating func admit(_ entry: Waiting, to multi: inout MultiHandle) {
    guard let lane = entry.plan.lane, taken[lane, default: 0] >= entry.plan.laneLimit else {
      _ = start(entry, in: &multi)
      return
    }
    waiting[lane, default: Queue()].append(entry)
  }

  /// True when the transfer is running; otherwise its caller has been told why not.
  private mutating func start(_ entry: Waiting, in multi: inout MultiHandle) -> Bool {
    let left = entry.end - clock.now
    guard left > .zero else {
      entry.answer.resume(returning: .failure(Self.late))
      return false
    }
    let sink = TransferSink(bodyLimit: entry.plan.bodyLimit, outgoing: entry.plan.outgoing)
    guard var easy = EasyHandle(number: entry.number, sink: sink) else {
      entry.answer.resume(returning: .failure(NetError(.other, "libcurl has no memory for a transfer")))
      return false
    }
    do throws(NetError) {
      try easy.set(CURLOPT_TIMEOUT_MS, left.wholeMilliseconds)
      try easy.set(CURLOPT_CONNECTTIMEOUT_MS, entry.plan.connectDeadline.wholeMilliseconds)
      try entry.plan.prepare(&easy)
    } catch {
      entry.answer.resume(returning: .failure(error))
      return false
    }
    let transfer = Running(easy: easy, lane: entry.plan.lane, answer: entry.answer)
    guard multi.add(transfer.easy) else {
      entry.answer.resume(returning: .failure(NetError(.other, "libcurl did not take a transfer")))
      return false
    }
    if let lane = entry.plan.lane { taken[lane, default: 0] += 1 }
    running[entry.number] = transfer
    return true
  }

  private mutating func cancel(_ number: UInt, in multi: inout MultiHandle) {
    let error = NetError(.cancelled, "cancelled")
    if let transfer = running.removeValue(forKey: number) {
      multi.remove(transfer.easy)
      transfer.answer.resume(returning: .failure(error))
      _ = free(transfer.lane, in: &multi)
    } else {
      takeOut { $0.number == number }.first?.answer.resume(returning: .failure(error))
    }
  }

  /// Gives a place in the lane to the next that can use it. True when one was started.
  private mutating func free(_ lane: TransferPlan.Lane?, in multi: inout MultiHandle) -> Bool {
    guard let lane else { return false }
    taken[lane, default: 1] -= 1
    var hasStarted = false
    while !hasStarted, let entry = waiting[lane]?.next() { hasStarted = start(entry, in: &multi) }
    if waiting[lane]?.isEmpty == true { waiting[lane] = nil }
    if taken[lane] == 0 { taken[lane] = nil }
    return hasStarted
  }

  private static let late = NetError(.timedOut, "no connection became free in time")

  /// Tells those whose deadline passed while they waited for a place.
  private mutating func endTheLate() {
    let now = clock.now
    guard !waiting.isEmpty, now >= nextGlance else { return }
    nextGlance = now + Self.glance
    for entry in takeOut(where: { $0.end <= now }) { entry.answer.resume(returning: .failure(Self.late)) }
  }

  private mutating func takeOut(where isWanted: (Waiting) -> Bool) -> [Waiting] {
    var taken: [Waiting] = []
    for lane in Array(waiting.keys) {
      taken += waiting[lane]?.remove(where: isWanted) ?? []
      if waiting[lane]?.isEmpty == true { waiting[lane] = nil }
    }
    return taken
  }

  private func pause() -> Int {
    if !waiting.isEmpty { return Self.glance.wholeMilliseconds }
    // Without a descriptor for the bell, looking is all that is left.
    return mailbox.doorbell.descriptor < 0 ? 20 : 60_000
  }

  /// Answers everyone who is left, now and later.
  private mutating func end(with error: NetError) {
    for transfer in running.values { transfer.answer.resume(returning: .failure(error)) }
    for entry in takeOut(where: { _ in true }) { entry.answer.resume(returning: .failure(error)) }
    running = [:]
    for case .start(_, _, let answer) in mailbox.close() { answer.resume(returning: .failure(error)) }
  }
}
