/// What a remote command left behind. A non-zero status is a result, not an error.
public struct CommandResult: Sendable, Equatable {
  /// The exit status; nil when the command died by a signal. libssh2 gives 0 also when a peer closes the channel
  /// without any status, so a script that matters ends with a marker of its own.
  public let status: Int32?
  /// The signal's name without `SIG`, as RFC 4254 §6.10 sends it: `TERM`, `KILL`, …
  public let signal: String?
  /// Standard output, at most the output limit.
  public let stdout: [UInt8]
  /// Standard error, at most the output limit.
  public let stderr: [UInt8]
  /// True when a stream was longer than the limit and its tail was dropped.
  public let outputTruncated: Bool

  /// Makes a result; tests and stand-ins use it too.
  public init(
    status: Int32?, signal: String? = nil, stdout: [UInt8], stderr: [UInt8] = [], outputTruncated: Bool = false
  ) {
    self.status = status
    self.signal = signal
    self.stdout = stdout
    self.stderr = stderr
    self.outputTruncated = outputTruncated
  }

  /// Standard output as text; bytes that are no UTF-8 become U+FFFD.
  public var text: String { String(decoding: stdout, as: UTF8.self) }
  /// Standard error as text; bytes that are no UTF-8 become U+FFFD.
  public var errorText: String { String(decoding: stderr, as: UTF8.self) }
}
