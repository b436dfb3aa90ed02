/// One load-balancer machine, with everything inherited from its pair and the fleet.
public struct Node: Sendable, Equatable {
  /// Unique in the fleet.
  public var id: NodeID
  /// The management address.
  public var address: String
  /// How to log in.
  public var ssh: SSHSettings
  /// A directory on the node, private to the login, where keys and attempts are kept. `~` is the login's home.
  public var work: String
  /// How this node tells whether it is active.
  public var active: ActiveDetector
  /// How http-01 is answered when this node is active.
  public var challenge: ChallengeMethod
  /// What ends TLS here, and where its certificates lie.
  public var terminations: [Termination]

  /// Collects the parts.
  public init(
    id: NodeID, address: String, ssh: SSHSettings, work: String = "~/.certfleet", active: ActiveDetector,
    challenge: ChallengeMethod, terminations: [Termination]
  ) {
    self.id = id
    self.address = address
    self.ssh = ssh
    self.work = work
    self.active = active
    self.challenge = challenge
    self.terminations = terminations
  }
}

/// How to log in to a node.
public struct SSHSettings: Sendable, Equatable {
  /// The login name.
  public var user: String
  /// 22 unless said otherwise.
  public var port: UInt16
  /// The absolute path of a private key on the controller.
  public var key: String?
  /// Where the key's passphrase comes from.
  public var passphrase: SecretSource?
  /// Where a password comes from; never the inventory itself.
  public var password: SecretSource?
  /// Ask the agent at `SSH_AUTH_SOCK`.
  public var useAgent: Bool
  /// A host to go through.
  public var jump: Jump?
  /// Run scripts through `sudo -n`.
  public var sudo: Bool

  /// Collects the parts.
  public init(
    user: String, port: UInt16 = 22, key: String? = nil, passphrase: SecretSource? = nil,
    password: SecretSource? = nil, useAgent: Bool = false, jump: Jump? = nil, sudo: Bool = false
  ) {
    self.user = user
    self.port = port
    self.key = key
    self.passphrase = passphrase
    self.password = password
    self.useAgent = useAgent
    self.jump = jump
    self.sudo = sudo
  }

  /// A host between the controller and the node; logged in to with the same credentials unless it has a user of its own.
  public struct Jump: Sendable, Equatable, Hashable {
    /// Where it is reached.
    public var address: String
    /// 22 unless said otherwise.
    public var port: UInt16
    /// The login name there; nil means the node's.
    public var user: String?

    /// Collects the parts.
    public init(address: String, port: UInt16 = 22, user: String? = nil) {
      self.address = address
      self.port = port
      self.user = user
    }
  }
}

/// Where a secret is found; the secret itself never stands in the inventory.
public enum SecretSource: Sendable, Equatable, Hashable {
  /// The first line of a file.
  case file(String)
  /// An environment variable.
  case environment(String)
  /// A systemd credential (`LoadCredential=`, `LoadCredentialEncrypted=`): a file in `$CREDENTIALS_DIRECTORY`.
  case credential(String)
}

/// How a node tells whether it is the active one for a VIP.
public enum ActiveDetector: Sendable, Equatable, Hashable {
  /// The VIP stands on an interface other than `lo` (keepalived, Heartbeat, Pacemaker).
  case address
  /// A file that holds the word `active` or `passive`; Loadbalancer.org writes `/var/log/nodestatus_local`.
  case statusFile(String)
  /// keepalived's own JSON dump, for the given VRRP instance.
  case keepalived(instance: String?)
  /// CARP on FreeBSD: `ifconfig` says MASTER or BACKUP per vhid; both nodes list the address.
  case carp(vhid: Int)
  /// Heartbeat v1: `cl_status rscstatus`.
  case heartbeat
  /// A command that exits 0 and prints `active` or `passive`; `%vip%` stands for the address.
  case command(String)
  /// A pair of one node: always active.
  case always
}

/// How http-01 is answered.
public enum ChallengeMethod: Sendable, Equatable, Hashable {
  /// A static rule in HAProxy that knows the account's thumbprint (RFC 8555 §8.3 needs nothing per token). It answers only for names in a file
  /// on the node, which certfleet keeps; the running HAProxy is told of new ones over `socket`, nil meaning those of the terminations.
  case thumbprint(hosts: String, socket: String?)
  /// HAProxy's `backend letsencrypt` leads to a port on the node's loopback, which SSH forwards to us.
  case tunnel(port: UInt16)

  /// Where the names stand unless the inventory says otherwise.
  public static let usualHostsFile = "/etc/haproxy/certfleet.hosts"
  /// The static rule with its file in the usual place.
  public static let usualThumbprint = ChallengeMethod.thumbprint(hosts: usualHostsFile, socket: nil)
}
