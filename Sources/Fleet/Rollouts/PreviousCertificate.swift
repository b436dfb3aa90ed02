public import Foundation

/// What a node keeps of the certificate that the newest one took the place of, for an operator's `rollback`.
public struct PreviousCertificate: Sendable, Equatable, Codable {
  /// The certificate that it took the place of, which makes way again.
  public var of: AttemptReference
  /// SHA-256 of its leaf, lower-case hex.
  public var sha256: String
  /// Its serial number, lower-case hex.
  public var serial: String
  /// The start of its life.
  public var notBefore: Date
  /// The end of its life.
  public var notAfter: Date

  /// Collects the parts.
  public init(of: AttemptReference, sha256: String, serial: String, notBefore: Date, notAfter: Date) {
    self.of = of
    self.sha256 = sha256
    self.serial = serial
    self.notBefore = notBefore
    self.notAfter = notAfter
  }

  /// Past this line the newest certificate is rolled out again by itself: what was rolled back must never run out unseen.
  public var dangerAt: Date { RenewalPolicy.danger(notAfter, life: notAfter.timeIntervalSince(notBefore)) }

  /// What stands where an attempt's id would: the node knows the leaf, not the try that got it.
  public var attempt: AttemptID { AttemptID("previous-\(sha256.prefix(16))") }
}
