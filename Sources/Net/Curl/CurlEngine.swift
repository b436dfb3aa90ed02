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
    var easy: EasyHandle
    let lane: TransferPlan.Lane?
    let answer: Answer

    init(easy: consuming EasyHandle, lane: TransferPlan.Lane?, answer: Answer) {
      self.easy = easy
      self.lane = lane
      self.answer = answer
    }
  }

  private let mailbox: Mailbox<CurlLoop.Letter>
  private let clock = ContinuousClock()
  private var running: [UInt: Running] = [:]
  private var waiting: [Waiting] = []
  private var taken: [TransferPlan.Lane: Int] = [:]

  init(mailbox: Mailbox<CurlLoop.Letter>) { self.mailbox = mailbox }

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
          waiting.append(Waiting(number: number, plan: plan, end: clock.now + plan.deadline, answer: answer))
        case .cancel(let number):
          cancel(number, in: &multi)
        case .shutDown:
          for number in Array(running.keys) { cancel(number, in: &multi) }
          return end(with: NetError(.cancelled, "the loop was shut down"))
        }
      }
      admit(to: &multi)
      guard multi.perform() else {
        for transfer in running.values { multi.remove(transfer.easy) }
        return end(with: NetError(.other, "libcurl could not go on"))
      }
      var hasRoom = false
      while let (number, code) = multi.nextEnded() {
        guard let transfer = running.removeValue(forKey: number) else { continue }
        multi.remove(transfer.easy)
        free(transfer.lane)
        hasRoom = true
        transfer.answer.resume(returning: transfer.easy.result(code))
      }
      if hasRoom, !waiting.isEmpty { continue }
      multi.sleep(milliseconds: pause(), orInputOn: mailbox.doorbell.descriptor)
    }
  }

  /// Starts what has a place, and ends what has waited too long for one.
  private mutating func admit(to multi: inout MultiHandle) {
    guard !waiting.isEmpty else { return }
    let now = clock.now
    var left: [Waiting] = []
    for entry in waiting {
      if entry.end <= now {
        entry.answer.resume(returning: .failure(NetError(.timedOut, "no connection became free in time")))
      } else if let lane = entry.plan.lane, taken[lane, default: 0] >= entry.plan.laneLimit {
        left.append(entry)
      } else {
        start(entry, now: now, in: &multi)
      }
    }
    waiting = left
  }

  private mutating func start(_ entry: Waiting, now: ContinuousClock.Instant, in multi: inout MultiHandle) {
    let sink = TransferSink(bodyLimit: entry.plan.bodyLimit, outgoing: entry.plan.outgoing)
    guard var easy = EasyHandle(number: entry.number, sink: sink) else {
      return entry.answer.resume(returning: .failure(NetError(.other, "libcurl has no memory for a transfer")))
    }
    do throws(NetError) {
      try easy.set(CURLOPT_TIMEOUT_MS, (entry.end - now).wholeMilliseconds)
      try easy.set(CURLOPT_CONNECTTIMEOUT_MS, entry.plan.connectDeadline.wholeMilliseconds)
      try entry.plan.prepare(&easy)
    } catch {
      return entry.answer.resume(returning: .failure(error))
    }
    let transfer = Running(easy: easy, lane: entry.plan.lane, answer: entry.answer)
    guard multi.add(transfer.easy) else {
      return entry.answer.resume(returning: .failure(NetError(.other, "libcurl did not take a transfer")))
    }
    if let lane = entry.plan.lane { taken[lane, default: 0] += 1 }
    running[entry.number] = transfer
  }

  private mutating func cancel(_ number: UInt, in multi: inout MultiHandle) {
    let error = NetError(.cancelled, "cancelled")
    if let index = waiting.firstIndex(where: { $0.number == number }) {
      waiting.remove(at: index).answer.resume(returning: .failure(error))
    } else if let transfer = running.removeValue(forKey: number) {
      multi.remove(transfer.easy)
      free(transfer.lane)
      transfer.answer.resume(returning: .failure(error))
    }
  }

  private mutating func free(_ lane: TransferPlan.Lane?) {
    guard let lane, let count = taken[lane] else { return }
    taken[lane] = count > 1 ? count - 1 : nil
  }

  /// How long to sleep when nothing happens: until the first of those that wait has waited too long.
  private func pause() -> Int {
    let idle: Duration = mailbox.doorbell.descriptor < 0 ? .milliseconds(20) : .seconds(60)
    guard let first = waiting.lazy.map(\.end).min() else { return idle.wholeMilliseconds }
    return min(idle, first - clock.now).wholeMilliseconds
  }

  /// Answers everyone who is left, now and later.
  private mutating func end(with error: NetError) {
    for transfer in running.values { transfer.answer.resume(returning: .failure(error)) }
    for entry in waiting { entry.answer.resume(returning: .failure(error)) }
    running = [:]
    waiting = []
    for case .start(_, _, let answer) in mailbox.close() { answer.resume(returning: .failure(error)) }
  }
}
