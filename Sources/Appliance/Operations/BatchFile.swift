public import Fleet

/// One certificate of a batch, as a node gets it: the chain, where its key is, and what must be true of both.
public struct BatchFile: Sendable, Equatable {
  /// The certificate that is wanted.
  public var spec: SpecID
  /// The attempt that got it; it names the key's file.
  public var attempt: AttemptID
  /// The VIP that serves it: decides which terminations hold the file.
  public var vip: VIPID
  /// The file name without `.pem`.
  public var label: String
  /// Its names, for stunnel's sections.
  public var names: NameSet
  /// The chain as PEM, leaf first.
  public var chain: String
  /// SHA-256 of the leaf's DER, lower-case hex.
  public var sha256: String
  /// The leaf's serial, upper-case hex.
  public var serial: String
  /// SHA-1 of the leaf's DER, upper-case hex: all that HAProxy tells of what it holds. Where it is not given, the node computes it.
  public var sha1: String?
  /// SHA-256 of the leaf's SubjectPublicKeyInfo, lower-case hex.
  public var publicKeySHA256: String
  /// The key sealed for this node; nil where the key already lies on it.
  public var sealedKey: String?
  /// What may lie on the disk now without having been changed by hand.
  public var expected: Expected

  /// Collects the parts.
  public init(
    spec: SpecID, attempt: AttemptID, vip: VIPID, label: String, names: NameSet, chain: String, sha256: String,
    serial: String, sha1: String? = nil, publicKeySHA256: String, sealedKey: String? = nil, expected: Expected
  ) {
    self.spec = spec
    self.attempt = attempt
    self.vip = vip
    self.label = label
    self.names = names
    self.chain = chain
    self.sha256 = sha256
    self.serial = serial
    self.sha1 = sha1
    self.publicKeySHA256 = publicKeySHA256
    self.sealedKey = sealedKey
    self.expected = expected
  }

  /// Takes what the CA gave for a spec.
  public init(
    _ certificate: IssuedCertificate, of spec: CertificateSpec, sha1: String? = nil, sealedKey: String? = nil,
    expected: Expected
  ) {
    self.init(
      spec: spec.id, attempt: certificate.attempt, vip: spec.vip, label: spec.label, names: spec.names,
      chain: certificate.chain.map { $0.hasSuffix("\n") ? $0 : $0 + "\n" }.joined(), sha256: certificate.sha256,
      serial: certificate.serial, sha1: sha1, publicKeySHA256: certificate.publicKeySHA256, sealedKey: sealedKey,
      expected: expected)
  }

  /// The guard against overwriting what somebody put there by hand. No file at all, and the new certificate itself, are always fine.
  public enum Expected: Sendable, Equatable {
    /// An operator said that it may be overwritten.
    case anything
    /// One of these leaves, by SHA-256 in hex: what we installed or adopted. Empty: no file is expected.
    case leaves([String])
  }
}
