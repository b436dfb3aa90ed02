/// One way to prove who we are.
public enum SSHAuthentication: Sendable {
  /// A private key of ours.
  case identity(SSHIdentity)
  /// The keys of a running ssh-agent; nil means `SSH_AUTH_SOCK`.
  case agent(socketPath: String?)
  /// A password; keyboard-interactive is used where the server offers only that.
  case password(SSHSecret)
}

/// How long each phase may take. A phase that is late ends with `.timedOut` and its name.
public struct SSHDeadlines: Sendable, Hashable {
  /// Name lookup and TCP connect, each.
  public var connect: Duration
  /// Banner and key exchange together.
  public var handshake: Duration
  /// All authentication attempts together.
  public var authentication: Duration
  /// Opening a channel and the server's yes to the command or the forward.
  public var channel: Duration
  /// Waiting for the peer's agreement when a channel is given up; after that the whole connection is dropped.
  public var close: Duration

  /// Defaults: 5, 10, 10, 10 and 3 seconds.
  public init(
    connect: Duration = .seconds(5), handshake: Duration = .seconds(10), authentication: Duration = .seconds(10),
    channel: Duration = .seconds(10), close: Duration = .seconds(3)
  ) {
    self.connect = connect
    self.handshake = handshake
    self.authentication = authentication
    self.channel = channel
    self.close = close
  }
}

/// Where to connect, as whom, and which host keys to believe.
public struct SSHTarget: Sendable {
  /// A name or an address.
  public var host: String
  /// The TCP port.
  public var port: UInt16
  /// The account to log in to.
  public var user: String
  /// Tried in order until the server is content; two of them satisfy a server that asks for two.
  public var authentications: [SSHAuthentication]
  /// The pinned keys. With none the connection fails with `.hostKeyUnknown`; nothing is trusted on first use.
  public var hostKeys: [HostKey]
  /// How long each phase may take.
  public var deadlines: SSHDeadlines

  /// A struct cannot hold itself, an array can.
  private var route: [SSHTarget]

  /// The bastion to go through, if any; it may have one of its own.
  public var jump: SSHTarget? {
    get { route.first }
    set { route = newValue.map { [$0] } ?? [] }
  }

  /// Describes a node. Nothing is contacted.
  public init(
    host: String, port: UInt16 = 22, user: String, authentications: [SSHAuthentication], hostKeys: [HostKey],
    jump: SSHTarget? = nil, deadlines: SSHDeadlines = SSHDeadlines()
  ) {
    self.host = host
    self.port = port
    self.user = user
    self.authentications = authentications
    self.hostKeys = hostKeys
    self.deadlines = deadlines
    self.route = jump.map { [$0] } ?? []
  }
}
