public import Fleet
public import SSH

/// A logged-in node that runs scripts, one at a time.
///
/// An implementation MUST give the script as standard input, byte for byte, then end of file; MUST NOT treat a non-zero exit as an error; and
/// MUST end in bounded time by the script's `bounds`.
public protocol NodeSession: Sendable {
  /// Runs one script.
  func run(_ script: RemoteScript) async throws(Failure) -> CommandResult
}
