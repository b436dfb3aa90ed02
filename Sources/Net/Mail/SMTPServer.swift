/// How to reach a mail server.
public struct SMTPServer: Sendable {
  /// How the connection is protected.
  public enum Security: Sendable, Equatable {
    /// Not at all: for a server on this machine.
    case none
    /// By STARTTLS, without which nothing is sent.
    case startTLS
    /// From the first byte (port 465).
    case tls
  }

  /// A name or an address.
  public var host: String
  /// 25, 465 or 587, as a rule.
  public var port: UInt16
  /// How the connection is protected.
  public var security: Security
  /// For a server that wants a login.
  public var user: String?
  /// Sent over TLS only, or to this machine.
  public var password: NetSecret?
  /// Whose word counts for the server's certificate.
  public var trust: Trust
  /// For the whole mail, from the name's lookup to the server's last word: a spam filter may think for a minute.
  public var deadline: Duration

  /// Says how to reach a mail server.
  public init(
    host: String, port: UInt16, security: Security, user: String? = nil, password: NetSecret? = nil,
    trust: Trust = .system, deadline: Duration = .seconds(120)
  ) {
    self.host = host
    self.port = port
    self.security = security
    self.user = user
    self.password = password
    self.trust = trust
    self.deadline = deadline
  }
}
