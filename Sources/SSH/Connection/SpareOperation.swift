/// A session channel that nobody uses yet. It makes an idle connection answer the server's probes, and the next
/// command starts one round trip earlier.
final class SpareOperation: Operation {
  private(set) var deadline: Instant
  private(set) var isFinished = false
  private(set) var channel: NativeChannel?

  init(deadline: Instant) { self.deadline = deadline }

  func release() -> NativeChannel? {
    guard let channel else { return nil }
    self.channel = nil
    isFinished = true
    return channel
  }

  func advance(on connection: isolated SSHConnection) -> Bool {
    guard channel == nil, !isFinished else { return false }
    switch connection.open(for: self, { $0.openSession() }) {
    case .again: return false
    case .done(let opened):
      channel = opened
      deadline = .never
      return true
    case .failed(.channelFailure, _):
      // Refused, for instance to an account that may only forward: what was to be read has been read.
      isFinished = true
      return true
    case .failed(let code, let message):
      connection.die(.connectionLost, .channel, "\(message) (libssh2 \(code.rawValue))")
      return true
    }
  }

  func expire(on connection: isolated SSHConnection) {
    connection.die(.timedOut, .channel, "no answer to an idle channel")
  }

  func cancel(on connection: isolated SSHConnection) {}

  func fail(_ error: SSHError) { isFinished = true }
}
