/// Gathers what many tasks ask for while an earlier batch is on its way, and does it together: one exec for many keys.
///
/// One caller at a time leads a batch that holds its own request, then hands the lead to the first that waits.
actor CoalescedWork<Request: Sendable, Answer: Sendable> {
  private let limit: Int
  private let perform: @Sendable ([Request]) async -> [Answer]
  private var queue: [Entry] = []
  private var isLed = false

  private struct Entry {
    let request: Request
    let waiter: CheckedContinuation<Turn, Never>
  }

  private enum Turn: Sendable {
    case answered(Answer)
    case lead
  }

  /// - Parameters:
  ///   - limit: The most requests in one batch.
  ///   - perform: Answers a batch, one answer a request, in order.
  init(limit: Int, perform: @escaping @Sendable ([Request]) async -> [Answer]) {
    self.limit = limit
    self.perform = perform
  }

  /// Asks, and waits for the answer.
  func callAsFunction(_ request: Request) async -> Answer {
    guard isLed else {
      isLed = true
      return await lead(request)
    }
    switch await withCheckedContinuation({ queue.append(Entry(request: request, waiter: $0)) }) {
    case .answered(let answer): return answer
    case .lead: return await lead(request)
    }
  }

  private func lead(_ request: Request) async -> Answer {
    let others = Array(queue.prefix(limit - 1))
    queue.removeFirst(others.count)
    let answers = await perform([request] + others.map(\.request))
    precondition(answers.count == others.count + 1, "\(others.count + 1) requests got \(answers.count) answers")
    for (entry, answer) in zip(others, answers.dropFirst()) { entry.waiter.resume(returning: .answered(answer)) }
    if queue.isEmpty {
      isLed = false
    } else {
      queue.removeFirst().waiter.resume(returning: .lead)
    }
    return answers[0]
  }
}
