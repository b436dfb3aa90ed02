/// Why something on the network could not be done.
public struct NetError: Error, Sendable, Equatable, CustomStringConvertible {
  /// What went wrong, as far as a program can act on it.
  public enum Kind: Sendable, Equatable {
    /// The name has no address, or the resolver did not give one.
    case nameNotFound
    /// The host answered that nobody listens there.
    case connectionRefused
    /// No route, or the network said that the host is not there.
    case unreachable
    /// The deadline passed, whatever the reason.
    case timedOut
    /// The TLS handshake or the verification of the certificate failed.
    case tls(String)
    /// The connection ended before the answer did.
    case connectionLost
    /// The answer is larger than the caller was ready to take.
    case bodyTooLarge
    /// A mail server's refusal, with its own code and words.
    case smtp(code: Int, text: String)
    /// The URL or another part of the request cannot be sent as it is.
    case badURL
    /// The task was cancelled, or the loop was shut down.
    case cancelled
    /// Anything else; `detail` has the words.
    case other
  }

  /// What went wrong, as far as a program can act on it.
  public let kind: Kind
  /// The same for a person, in the words of the library or of the peer: hostile text.
  public let detail: String

  /// Makes an error of its kind and its words.
  public init(_ kind: Kind, _ detail: String) {
    self.kind = kind
    self.detail = detail
  }

  /// The words, for a log line.
  public var description: String { detail }
}
