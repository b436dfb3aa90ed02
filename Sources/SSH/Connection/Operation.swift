/// Something that goes on over a connection: logging in, a command, a forward. It is driven by the reactor, not by the
/// task that waits for it, so a cancelled task leaves nothing half done: its operation closes its channel by itself.
protocol Operation: AnyObject {
  var deadline: Instant { get }
  var isFinished: Bool { get }
  /// The open channel, if it has one.
  var channel: NativeChannel? { get }
  /// Does what can be done now, without waiting; true when something moved.
  func advance(on connection: isolated SSHConnection) -> Bool
  /// The deadline has passed, or nearly: moves it, or gives up.
  func expire(on connection: isolated SSHConnection)
  /// Whoever waits does so no longer: give up soon, or at once if there is nothing to close.
  func cancel(on connection: isolated SSHConnection)
  /// The connection is gone.
  func fail(_ error: SSHError)
}

/// An operation for whose end a task waits.
protocol AwaitedOperation: Operation {
  associatedtype Value: Sendable
  var waiter: CheckedContinuation<Result<Value, SSHError>, Never>? { get set }
}

extension AwaitedOperation {
  func answer(_ result: Result<Value, SSHError>) {
    waiter?.resume(returning: result)
    waiter = nil
  }
}
