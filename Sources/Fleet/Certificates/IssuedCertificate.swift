public import Foundation

/// A certificate that the CA gave us, without its key, which never leaves the pair.
public struct IssuedCertificate: Sendable, Equatable, Codable {
  /// The attempt that got it.
  public var attempt: AttemptID
  /// SHA-256 of the leaf's DER, lower-case hex.
  public var sha256: String
  /// The serial number, lower-case hex without separators.
  public var serial: String
  /// The start of its life.
  public var notBefore: Date
  /// The end of its life.
  public var notAfter: Date
  /// The issuer's common name.
  public var issuer: String
  /// The chain as PEM, leaf first, as it is served.
  public var chain: [String]
  /// SHA-256 of the leaf's SubjectPublicKeyInfo, lower-case hex: what the key on the node must match.
  public var publicKeySHA256: String

  /// Collects the parts.
  public init(
    attempt: AttemptID, sha256: String, serial: String, notBefore: Date, notAfter: Date, issuer: String,
    chain: [String], publicKeySHA256: String
  ) {
    self.attempt = attempt
    self.sha256 = sha256
    self.serial = serial
    self.notBefore = notBefore
    self.notAfter = notAfter
    self.issuer = issuer
    self.chain = chain
    self.publicKeySHA256 = publicKeySHA256
  }

  /// When a renewal is due: a third of the lifetime left, half of it where the lifetime is under ten days.
  public var dueAt: Date { RenewalPolicy.due(notAfter, life: life) }

  /// Past this line a certificate is in danger and goes before everything else: a ninth of the lifetime is left
  /// (10 days of 90, 5 of 45, 18 hours of 160).
  public var dangerAt: Date { RenewalPolicy.danger(notAfter, life: life) }

  /// How long it lives, in seconds.
  public var life: TimeInterval { notAfter.timeIntervalSince(notBefore) }
}

/// How a certificate is known to be in use on a node. The best level that a node allows is taken.
public enum Proof: String, Sendable, Codable, Comparable, CaseIterable {
  /// The file is in place and a reload was asked for, but nothing told whether it was taken up.
  case unconfirmed
  /// The file is in place and the reload was accepted.
  case disk
  /// The running process says so (`show ssl cert`): serial and fingerprint.
  case memory
  /// A TLS handshake with SNI on an address known to be this node's showed leaf and chain.
  case wire

  private var rank: Int {
    switch self {
    case .unconfirmed: 0
    case .disk: 1
    case .memory: 2
    case .wire: 3
    }
  }

  /// *wire* is more than *memory*, which is more than *disk*, which is more than *unconfirmed*.
  public static func < (left: Proof, right: Proof) -> Bool { left.rank < right.rank }
}
