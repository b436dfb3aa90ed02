/// A name lookup with a deadline: the lookup itself cannot be stopped, but nobody has to wait for it.
final class Lookup: @unchecked Sendable {  // touched by the reactor's thread only
  enum Failure: Error {
    case late
    case cancelled
    case refused(Resolver.Failure)
  }

  typealias Answer = Result<[Address], Failure>

  private var waiter: CheckedContinuation<Answer, Never>?
  private var token: Reactor.Token?

  /// Must be called on the reactor's thread.
  func begin(host: String, port: UInt16, until deadline: Instant, _ waiter: CheckedContinuation<Answer, Never>) {
    Reactor.shared.checkIsolated()
    self.waiter = waiter
    let token = Reactor.shared.register(
      Reactor.Handlers(ready: { _ in }, timer: { [weak self] in self?.end(.failure(.late)) }))
    self.token = token
    Reactor.shared.wake(token, at: deadline)
    Resolver.resolve(host, port: port) { answer in
      Reactor.shared.submit { self.end(answer.mapError(Failure.refused)) }
    }
  }

  func end(_ answer: Answer) {
    if let token { Reactor.shared.unregister(token) }
    token = nil
    waiter?.resume(returning: answer)
    waiter = nil
  }
}
