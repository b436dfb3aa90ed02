/// Lets a bounded number of handshakes through at a time: opening 2,000 at once overran sshd's listen backlog, and a
/// bastion drops at random above MaxStartups.
actor HandshakeGate {
  private var free: Int
  private var waiting: [(id: UInt64, continuation: CheckedContinuation<Bool, Never>)] = []
  private var lastID: UInt64 = 0

  nonisolated var unownedExecutor: UnownedSerialExecutor { Reactor.shared.asUnownedSerialExecutor() }

  init(_ limit: Int) { free = max(1, limit) }

  /// False when the task was cancelled before its turn came.
  func enter() async -> Bool {
    if free > 0 {
      free -= 1
      return true
    }
    lastID += 1
    let id = lastID
    return await withTaskCancellationHandler {
      await withCheckedContinuation { waiting.append((id, $0)) }
    } onCancel: {
      Reactor.shared.submit { self.assumeIsolated { $0.giveUp(id) } }
    }
  }

  func leave() {
    if waiting.isEmpty { free += 1 } else { waiting.removeFirst().continuation.resume(returning: true) }
  }

  private func giveUp(_ id: UInt64) {
    guard let index = waiting.firstIndex(where: { $0.id == id }) else { return }
    waiting.remove(at: index).continuation.resume(returning: false)
  }
}
