/// Why a command could not do its work at all; single names and nodes that fail are never this.
public enum CommandFault: Error, Sendable, Equatable {
  /// Bad input or usage: exit status 2. Already printed diagnostics may make the text empty.
  case badInput(String)
  /// The world did not allow it: exit status 3.
  case couldNotRun(String)

  /// What to tell the user.
  public var text: String {
    switch self {
    case .badInput(let text), .couldNotRun(let text): text
    }
  }

  /// The process's exit status.
  public var exitStatus: Int32 {
    switch self {
    case .badInput: 2
    case .couldNotRun: 3
    }
  }
}
