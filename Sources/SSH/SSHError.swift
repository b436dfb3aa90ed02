/// Why SSH could not do what was asked: the cause, the phase in which it showed, and what a person can do.
public struct SSHError: Error, Sendable, CustomStringConvertible {
  /// The cause. Closed: whoever switches over it names every case.
  public enum Kind: Sendable, Equatable {
    /// The host name does not resolve.
    case nameNotFound
    /// The host answered that nothing listens there.
    case connectionRefused
    /// No route, or the network said no.
    case unreachable
    /// The phase took longer than its deadline, or a command made no progress.
    case timedOut
    /// The connection broke, or the peer closed it.
    case connectionLost
    /// No key is pinned for this host; these were offered.
    case hostKeyUnknown(offered: [HostKey])
    /// The host shows another key than the pinned ones.
    case hostKeyChanged(pinned: [HostKey], offered: [HostKey])
    /// No way to log in was accepted; these the server would still take.
    case authenticationRefused(methods: [String])
    /// The two sides have no algorithm in common.
    case noCommonAlgorithm(detail: String, remedy: String)
    /// The server refused a session, a command or a connection through it.
    case channelRefused
    /// The server refused to listen for us.
    case forwardRefused
    /// A command went on writing far beyond its output limit.
    case outputLimit
    /// The peer does not speak SSH as the RFCs say.
    case protocolViolation
    /// A private key cannot be read or decrypted.
    case keyUnreadable
    /// An ssh-agent does not answer.
    case agentUnavailable
    /// This process has no file descriptors, memory or threads left.
    case outOfResources
    /// The task was cancelled.
    case cancelled
    /// The connection or the client was closed by its owner.
    case closed
  }

  /// What was being done.
  public enum Phase: String, Sendable, Codable {
    /// Reading a private key.
    case identity
    /// Looking up the host name.
    case resolve
    /// Opening the TCP connection.
    case connect
    /// Waiting for the server's first line.
    case banner
    /// Key exchange and the check of the host key.
    case keyExchange
    /// Logging in.
    case authentication
    /// Opening a channel.
    case channel
    /// Running a command.
    case command
    /// Listening on, or serving, a remote forward.
    case forward
    /// Going through a jump host.
    case jump

    var words: String {
      switch self {
      case .identity: "reading the key"
      case .resolve: "looking up the name"
      case .connect: "connecting"
      case .banner: "waiting for its first line"
      case .keyExchange: "key exchange"
      case .authentication: "logging in"
      case .channel: "opening a channel"
      case .command: "running a command"
      case .forward: "forwarding"
      case .jump: "through the jump host"
      }
    }
  }

  /// The cause.
  public let kind: Kind
  /// What was being done.
  public let phase: Phase
  /// The host as it stands in the target; a path for a private key.
  public let host: String
  /// The port, 0 for a private key.
  public let port: UInt16
  /// What was seen, printable: text from a peer has its control characters escaped.
  public let detail: String

  /// Makes an error; control characters of `detail` are escaped and it is cut at 500 characters.
  public init(_ kind: Kind, phase: Phase, host: String, port: UInt16, detail: String) {
    self.kind = kind
    self.phase = phase
    self.host = host
    self.port = port
    self.detail = SSHError.printable(detail)
  }

  /// One line: where, when, what.
  public var description: String { "\(host):\(port), \(phase.words): \(detail)" }

  /// What a person can do about it.
  public var remedy: String {
    switch kind {
    case .nameNotFound: "Check the name \(host) in the inventory, or give its address."
    case .connectionRefused: "Nothing listens on \(host) port \(port): start sshd there, or correct the port."
    case .unreachable: "There is no way to \(host) from here: check the route, VPN or firewall."
    case .timedOut: timeoutRemedy
    case .connectionLost: "The connection to \(host) broke: look into its sshd log and the network, then try again."
    case .hostKeyUnknown: "Compare the fingerprint with the node's console, then pin the key (certfleet enroll)."
    case .hostKeyChanged:
      "If \(host) was reinstalled, compare the fingerprint on its console and pin the new key; if not, "
        + "somebody may stand between: do not connect."
    case .authenticationRefused(let methods):
      "Check user\(Self.mayUseKey(methods) ? ", key and authorized_keys" : " and password") on \(host)"
        + (methods.isEmpty ? "." : " (it takes: \(methods.joined(separator: ", "))).")
    case .noCommonAlgorithm(_, let remedy): remedy
    case .channelRefused: "See sshd_config on \(host): MaxSessions, ForceCommand, PermitOpen, AllowTcpForwarding."
    case .forwardRefused:
      "Allow it in sshd_config on \(host): AllowTcpForwarding remote, PermitListen; or the port is taken there."
    case .outputLimit: "The command writes without end; run it by hand on \(host) to see why."
    case .protocolViolation: "Check that port \(port) of \(host) is an SSH server and not something in between."
    case .keyUnreadable: "Check the file \(host): owner, mode 0600, format, passphrase."
    case .agentUnavailable: "Start ssh-agent, add the key, and check SSH_AUTH_SOCK."
    case .outOfResources: "Raise the limits of this process (ulimit -n)."
    case .cancelled, .closed: "Nothing: it was stopped from this side."
    }
  }

  private static func mayUseKey(_ methods: [String]) -> Bool { methods.isEmpty || methods.contains("publickey") }

  private var timeoutRemedy: String {
    switch phase {
    case .connect: "No answer from \(host) port \(port): host down, or a firewall drops the packets."
    case .banner: "\(host) takes connections but its sshd stays silent: overload, MaxStartups, or a hung sshd."
    case .resolve: "The resolver does not answer: check /etc/resolv.conf."
    case .authentication: "sshd of \(host) is slow to log in: check UseDNS, PAM and its load."
    case .identity, .keyExchange, .channel, .jump: "\(host) stopped answering: check the network path and its load."
    case .command: "The command on \(host) showed no progress: look there whether it hangs."
    case .forward: "The peer of the forwarded connection on \(host) is too slow."
    }
  }

  /// Text of a peer may hold anything: escape sequences, line breaks, megabytes.
  static func printable(_ text: String) -> String {
    var out = ""
    for scalar in text.unicodeScalars.prefix(500) {
      switch scalar.properties.generalCategory {
      case .control, .format, .lineSeparator, .paragraphSeparator, .surrogate, .privateUse, .unassigned:
        out += scalar.value < 256 ? "\\x" + hex(scalar.value, 2) : "\\u{" + hex(scalar.value, 4) + "}"
      default: out.unicodeScalars.append(scalar)
      }
    }
    return out
  }

  private static func hex(_ value: UInt32, _ width: Int) -> String {
    let digits = String(value, radix: 16)
    return String(repeating: "0", count: max(0, width - digits.count)) + digits
  }
}

extension SSHError: Equatable {
  /// Equal when the causes are: phase and wording are for people.
  public static func == (left: SSHError, right: SSHError) -> Bool { left.kind == right.kind }
}
