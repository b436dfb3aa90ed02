/// One HTTP request.
public struct HTTPRequest: Sendable {
  /// `GET`, `HEAD` or `POST`.
  public var method: String
  /// An `http` or `https` URL, without a user or password.
  public var url: String
  /// Sent as they are, after what libcurl adds (`Host`, `Accept`); a name given here replaces libcurl's.
  public var headers: [(name: String, value: String)]
  /// What a `POST` carries.
  public var body: [UInt8]?
  /// From the call to the last byte, redirects and waiting for a free connection included.
  public var deadline: Duration
  /// For each connection, its TLS handshake included.
  public var connectDeadline: Duration
  /// Connects there whatever the URL says, and past any proxy; `Host` and SNI stay the URL's. A redirect to the same host
  /// goes to the same place, at the port of the new URL; a redirect to another host goes where that name leads.
  public var connectTo: (host: String, port: UInt16)?
  /// Whose word counts for the server's certificate.
  public var trust: Trust
  /// How many redirects to follow; the answer after the last is returned as it is, a 3xx too.
  public var followRedirects: Int
  /// The largest body to take.
  public var bodyLimit: Int
  /// Who we say we are; the CAs ask for a name and a version (RFC 8555 §6.1).
  public var userAgent: String

  /// A request with the defaults that a client of a CA needs.
  public init(
    method: String = "GET",
    url: String,
    headers: [(name: String, value: String)] = [],
    body: [UInt8]? = nil,
    deadline: Duration = .seconds(30),
    connectDeadline: Duration = .seconds(10),
    connectTo: (host: String, port: UInt16)? = nil,
    trust: Trust = .system,
    followRedirects: Int = 0,
    bodyLimit: Int = 1 << 20,
    userAgent: String = "certfleet"
  ) {
    self.method = method
    self.url = url
    self.headers = headers
    self.body = body
    self.deadline = deadline
    self.connectDeadline = connectDeadline
    self.connectTo = connectTo
    self.trust = trust
    self.followRedirects = followRedirects
    self.bodyLimit = bodyLimit
    self.userAgent = userAgent
  }
}
