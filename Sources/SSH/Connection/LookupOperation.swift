/// Waits for a name lookup, with a deadline: the lookup itself cannot be stopped, but nobody has to wait for it.
///
/// `@unchecked Sendable`: touched by the reactor's thread only.
final class LookupOperation: @unchecked Sendable {
  enum Failure: Error {
    case late
    case cancelled
    case refused(Resolver.Failure)
  }

  typealias Answer = Result<[Address], Failure>

  private let deadline: Instant
  private var waiter: CheckedContinuation<Answer, Never>?
  private var token: Reactor.Token?

  init(_ host: String, deadline: Instant) { self.deadline = deadline }

  /// Must be called on the reactor's thread.
  func run(host: String, port: UInt16) async -> Answer {
    await withTaskCancellationHandler {
      await withCheckedContinuation { continuation in
        waiter = continuation
        let token = Reactor.shared.register(
          Reactor.Handlers(ready: { _ in }, timer: { [weak self] in self?.end(.failure(.late)) }))
        self.token = token
        Reactor.shared.wake(token, at: deadline)
        Resolver.resolve(host, port: port) { answer in
          Reactor.shared.submit { self.end(answer.mapError(Failure.refused)) }
        }
      }
    } onCancel: {
      Reactor.shared.submit { self.end(.failure(.cancelled)) }
    }
  }

  private func end(_ answer: Answer) {
    if let token { Reactor.shared.unregister(token) }
    token = nil
    waiter?.resume(returning: answer)
    waiter = nil
  }
}
