/// A direct-tcpip channel of a jump host that carries another session: its wire's queues are filled and emptied here, and
/// no local port is opened.
final class TunnelOperation: AwaitedOperation {
  private enum State {
    case opening
    case open(NativeChannel)
    case closing(NativeChannel)
    case finished
  }

  private let host: String
  private let port: UInt16
  private let inner: SSHConnection
  private let wire: Wire
  private let deadlines: SSHDeadlines
  private var state = State.opening
  private var isAbandoned = false
  private(set) var deadline: Instant
  /// Answered with itself, when the channel stands.
  var waiter: CheckedContinuation<Result<TunnelHandle, SSHError>, Never>?

  /// `wire` belongs to `inner`; both live on the reactor's thread.
  init(to host: String, port: UInt16, for inner: SSHConnection, wire: Wire, deadlines: SSHDeadlines) {
    self.host = host
    self.port = port
    self.inner = inner
    self.wire = wire
    self.deadlines = deadlines
    deadline = .now + deadlines.connect
  }

  var isFinished: Bool { if case .finished = state { true } else { false } }

  var channel: NativeChannel? {
    switch state {
    case .open(let channel), .closing(let channel): channel
    case .opening, .finished: nil
    }
  }

  func advance(on connection: isolated SSHConnection) -> Bool {
    switch state {
    case .opening: return open(on: connection)
    case .open(let channel): return relay(channel, on: connection)
    case .closing(let channel):
      if case .again = channel.close() { return false }
      state = .finished
      return true
    case .finished: return false
    }
  }

  private func open(on connection: isolated SSHConnection) -> Bool {
    switch connection.open(for: self, { $0.openTunnel(to: host, port: port) }) {
    case .again: return false
    case .done(let channel):
      state = .open(channel)
      deadline = .never
      answer(.success(TunnelHandle(tunnel: self)))
      if isAbandoned { giveUp(channel) }
    case .failed(.channelFailure, let message):
      answer(
        .failure(
          connection.error(.channelRefused, .jump, "no way from the jump host to \(host):\(port): \(message)")))
      state = .finished
    case .failed(let code, let message):
      connection.die(.connectionLost, .jump, "\(message) (libssh2 \(code.rawValue))")
    }
    return true
  }

  private func relay(_ channel: NativeChannel, on connection: isolated SSHConnection) -> Bool {
    var moved = false
    reading: while true {
      switch channel.read(stream: 0, into: Scratch.page) {
      case .again, .done(0): break reading
      case .done(let count):
        moved = true
        wire.deliver(UnsafeRawBufferPointer(rebasing: Scratch.page[..<count]))
      case .failed(let code, let message):
        connection.die(.connectionLost, .jump, "\(message) (libssh2 \(code.rawValue))")
        return true
      }
    }
    let ended = channel.isAtEnd
    if ended { wire.fail(.closedByPeer) }
    if moved || ended { inner.assumeIsolated { $0.turn([]) } }
    guard case .open = state else { return true }  // the inner session ended in its turn
    if ended {
      giveUp(channel)
      return true
    }
    while !wire.outbound.isEmpty, !connection.wire.isFull {
      var step = Step<Int>.again
      _ = wire.outbound.consume { bytes in
        step = channel.write(bytes)
        if case .done(let count) = step { return count }
        return 0
      }
      switch step {
      case .again, .done(0): return moved
      case .done: moved = true
      case .failed(let code, let message):
        connection.die(.connectionLost, .jump, "\(message) (libssh2 \(code.rawValue))")
        return true
      }
    }
    return moved
  }

  private func giveUp(_ channel: NativeChannel) {
    state = .closing(channel)
    deadline = .now + deadlines.close
  }

  /// The inner session is over.
  func innerEnded(on connection: isolated SSHConnection) {
    switch state {
    case .opening: isAbandoned = true
    case .open(let channel): giveUp(channel)
    case .closing, .finished: return
    }
    connection.turn([])
  }

  func expire(on connection: isolated SSHConnection) {
    switch state {
    case .opening:
      // sshd on the jump host connects on our behalf and answers when its own connect has ended, after minutes perhaps.
      // The channel that may still come is closed at once.
      answer(.failure(connection.error(.timedOut, .jump, "the jump host did not reach \(host):\(port)")))
      isAbandoned = true
      deadline = .now + .seconds(180)
    case .closing: connection.die(.timedOut, .jump, "the server did not close a channel")
    case .open, .finished: break
    }
  }

  func cancel(on connection: isolated SSHConnection) {
    answer(.failure(connection.error(.cancelled, .jump, "cancelled")))
    isAbandoned = true
    if case .open(let channel) = state { giveUp(channel) }
  }

  func fail(_ error: SSHError) {
    answer(.failure(error))
    let wasOpen = if case .open = state { true } else { false }
    state = .finished
    if wasOpen {
      wire.fail(.closedByPeer)
      inner.assumeIsolated { $0.turn([]) }
    }
  }
}

/// Lets a tunnel be the answer to a task.
struct TunnelHandle: @unchecked Sendable {  // looked into on the reactor's thread only
  let tunnel: TunnelOperation
}
