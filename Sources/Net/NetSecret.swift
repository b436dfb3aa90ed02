/// A password that must not reach a log: whatever prints it prints `•••`.
public struct NetSecret: Sendable, CustomStringConvertible, CustomDebugStringConvertible, CustomReflectable {
  private let text: String

  /// Wraps a password read from a file or from the environment.
  public init(_ text: String) { self.text = text }

  /// The password itself, for the one call that sends it.
  func revealed() -> String { text }

  /// Always `•••`.
  public var description: String { "•••" }
  /// Always `•••`.
  public var debugDescription: String { "•••" }
  /// No children: `dump` walks a value through its mirror.
  public var customMirror: Mirror { Mirror(self, children: []) }
}
