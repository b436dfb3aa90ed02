/// Lets at most `limit` tasks through at the same time, in the order in which they asked.
actor Gate {
  private var free: Int
  private var waiting: [CheckedContinuation<Void, Never>] = []

  init(limit: Int) { free = max(1, limit) }

  /// Runs the body once there is room; the place is given back on every path out.
  func run<Result: Sendable, Fault: Error>(
    _ body: sending () async throws(Fault) -> Result
  ) async throws(Fault) -> Result {
    await enter()
    defer { leave() }
    return try await body()
  }

  private func enter() async {
    if free > 0 {
      free -= 1
    } else {
      await withCheckedContinuation { waiting.append($0) }
    }
  }

  private func leave() {
    if waiting.isEmpty {
      free += 1
    } else {
      waiting.removeFirst().resume()
    }
  }
}
