/// A remote forward: the server listens, and every connection it takes becomes a channel here.
final class ListenOperation: AwaitedOperation {
  private enum State {
    case asking
    case listening(NativeListener)
    case cancelling(NativeListener)
    case finished
  }

  private let host: String
  private let port: UInt16
  private let limit: Int
  private let deadlines: SSHDeadlines
  private var state = State.asking
  private var isAbandoned = false
  private(set) var deadline: Instant
  var channel: NativeChannel? { nil }
  /// Answered with the port that the server listens on.
  var waiter: CheckedContinuation<Result<UInt16, SSHError>, Never>?
  /// Channels being served; at the limit further ones wait in libssh2's queue.
  var inFlight = 0
  private var ready: [ForwardedOperation] = []
  private var acceptor: CheckedContinuation<ForwardedHandle?, Never>?

  init(host: String, port: UInt16, limit: Int, deadlines: SSHDeadlines) {
    self.host = host
    self.port = port
    self.limit = max(1, limit)
    self.deadlines = deadlines
    deadline = .now + deadlines.channel
  }

  var isFinished: Bool { if case .finished = state { true } else { false } }

  func advance(on connection: isolated SSHConnection) -> Bool {
    switch state {
    case .asking: return ask(on: connection)
    case .listening(let listener): return accept(listener, on: connection)
    case .cancelling(let listener):
      if case .again = listener.cancel() { return false }
      state = .finished
      return true
    case .finished: return false
    }
  }

  private func ask(on connection: isolated SSHConnection) -> Bool {
    // A full queue refuses connections, so it holds many more than a burst of the CA's validators.
    switch connection.listen(for: self, host: host, port: port, queue: max(128, 2 * limit)) {
    case .again: return false
    case .done(let made):
      deadline = .never
      state = .listening(made.listener)
      answer(.success(made.port))
      if isAbandoned { stop() }
    case .failed(.requestDenied, let message):
      state = .finished
      answer(.failure(connection.error(.forwardRefused, .forward, "\(host):\(port): \(message)")))
    case .failed(let code, let message):
      connection.die(.connectionLost, .forward, "\(message) (libssh2 \(code.rawValue))")
    }
    return true
  }

  private func accept(_ listener: NativeListener, on connection: isolated SSHConnection) -> Bool {
    var moved = false
    while inFlight < limit, let channel = listener.accept() {
      moved = true
      inFlight += 1
      let operation = ForwardedOperation(channel, closing: deadlines.close) { [weak self] in self?.inFlight -= 1 }
      connection.start(operation)
      if let acceptor {
        self.acceptor = nil
        acceptor.resume(returning: ForwardedHandle(operation: operation))
      } else {
        ready.append(operation)
      }
    }
    return moved
  }

  /// The next connection; nil when there will be none.
  func next(_ continuation: CheckedContinuation<ForwardedHandle?, Never>) {
    if !ready.isEmpty {
      continuation.resume(returning: ForwardedHandle(operation: ready.removeFirst()))
    } else if case .listening = state, acceptor == nil {
      acceptor = continuation
    } else {
      continuation.resume(returning: nil)
    }
  }

  /// Stops listening; channels that nobody took are closed.
  func stop() {
    switch state {
    case .asking: isAbandoned = true
    case .listening(let listener):
      state = .cancelling(listener)
      deadline = .now + deadlines.close
    case .cancelling, .finished: break
    }
    acceptor?.resume(returning: nil)
    acceptor = nil
    for operation in ready { operation.giveUp() }
    ready = []
  }

  func expire(on connection: isolated SSHConnection) {
    connection.die(.timedOut, .forward, "no answer to the request to listen on \(host):\(port)")
  }

  func cancel(on connection: isolated SSHConnection) {
    answer(.failure(connection.error(.cancelled, .forward, "cancelled")))
    stop()
  }

  func fail(_ error: SSHError) {
    state = .finished
    answer(.failure(error))
    acceptor?.resume(returning: nil)
    acceptor = nil
    ready = []
  }
}
