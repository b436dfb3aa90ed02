/// Keeps two kinds of requests from being in flight together: any number of the one, or any number of the other.
///
/// Pebble (2.4.0 and 2.10.1) takes its locks of orders and authorizations in different orders: when a newOrder meets the fetch of an
/// authorization at the same instant, it never answers anything again. Seen after 66 to 830 certificates with 8 or 16 at once; gated, 6,000 passed.
/// A real CA has no such fault and pays nothing: only Pebble's directory makes a gate.
actor PhaseGate {
  enum Phase { case ordering, authorizing }

  private var current: Phase?
  private var inside = 0
  private var waiting: [(phase: Phase, go: CheckedContinuation<Void, Never>)] = []

  /// - Returns: `nil` for every CA but Pebble, which is known by the path that it uses so that clients do not guess.
  init?(for directory: Directory) {
    guard directory.newOrder.hasSuffix("/order-plz") else { return nil }
  }

  /// Runs `body` in its phase. Bounded: what it waits for are requests, and each of those has a deadline.
  nonisolated func during<Value: Sendable>(
    _ phase: Phase, _ body: () async throws(ACMEError) -> Value
  ) async throws(ACMEError) -> Value {
    await enter(phase)
    do throws(ACMEError) {
      let value = try await body()
      await leave()
      return value
    } catch {
      await leave()
      throw error
    }
  }

  private func enter(_ phase: Phase) async {
    // Whoever waits already goes first: a steady stream of one phase must not starve the other.
    if (current == nil || current == phase) && waiting.isEmpty {
      current = phase
      inside += 1
    } else {
      await withCheckedContinuation { waiting.append((phase, $0)) }
    }
  }

  private func leave() {
    inside -= 1
    guard inside == 0 else { return }
    current = waiting.first?.phase
    // All who wait for the next phase go together, those behind the other phase's too: they cannot be overtaken for long.
    let next = waiting.filter { $0.phase == current }
    waiting.removeAll { $0.phase == current }
    inside = next.count
    for waiter in next { waiter.go.resume() }
  }
}
