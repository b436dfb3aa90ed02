/// An ACME certificate authority and our account there.
public struct Authority: Sendable, Equatable {
  /// The id within the inventory; also names the account key's file in the state directory.
  public var id: AuthorityID
  /// The ACME directory URL (RFC 8555 §7.1.1).
  public var directory: String
  /// Contact URLs for the account.
  public var contact: [String]
  /// External account binding, where the CA wants one (RFC 8555 §7.3.4).
  public var eab: ExternalAccountBinding?
  /// The profile asked for unless a row says otherwise.
  public var profile: String?
  /// Further profiles that rows may ask for, beside `profile` and Let's Encrypt's own.
  public var profiles: [String]
  /// Which rate limits the CA enforces.
  public var limits: LimitSet
  /// Limits that the CA raised for us, over those of `limits`.
  public var overrides: [LimitOverride]
  /// Extra roots for the connection to the CA itself.
  public var trust: String?
  /// Extra roots in which issued chains may end.
  public var roots: String?
  /// The root to prefer among alternate chains, by common name.
  public var preferredRoot: String?
  /// Where the passphrase of the account key comes from; nil means a file that certfleet makes in the state directory.
  public var keyPassphrase: SecretSource?

  /// Collects the parts.
  public init(
    id: AuthorityID, directory: String, contact: [String] = [], eab: ExternalAccountBinding? = nil,
    profile: String? = nil, profiles: [String] = [], limits: LimitSet = .letsEncrypt,
    overrides: [LimitOverride] = [], trust: String? = nil, roots: String? = nil,
    preferredRoot: String? = nil, keyPassphrase: SecretSource? = nil
  ) {
    self.id = id
    self.directory = directory
    self.contact = contact
    self.eab = eab
    self.profile = profile
    self.profiles = profiles
    self.limits = limits
    self.overrides = overrides
    self.trust = trust
    self.roots = roots
    self.preferredRoot = preferredRoot
    self.keyPassphrase = keyPassphrase
  }

  /// The key id and where its MAC key is found.
  public struct ExternalAccountBinding: Sendable, Equatable {
    /// The key identifier that the CA gave.
    public var keyID: String
    /// The base64url MAC key's place.
    public var macKey: SecretSource

    /// Collects the parts.
    public init(keyID: String, macKey: SecretSource) {
      self.keyID = keyID
      self.macKey = macKey
    }
  }

  /// A named set of limits, or a file that describes one.
  public enum LimitSet: Sendable, Equatable {
    case letsEncrypt
    case letsEncryptStaging
    case none
    case file(String)
  }
}

/// Where reports are mailed.
public struct MailSettings: Sendable, Equatable {
  /// How mail leaves the controller.
  public var transport: Transport
  /// The sender's address.
  public var from: String
  /// The operators' addresses.
  public var to: [String]

  /// Collects the parts.
  public init(transport: Transport, from: String, to: [String]) {
    self.transport = transport
    self.from = from
    self.to = to
  }

  /// An SMTP server, or a directory for `.eml` files.
  public enum Transport: Sendable, Equatable {
    case smtp(host: String, port: UInt16, security: Security, user: String?, password: SecretSource?, trust: String?)
    case directory(String)
  }

  /// The protection of the SMTP connection.
  public enum Security: String, Sendable, CaseIterable {
    case none
    case startTLS = "starttls"
    case tls
  }
}
