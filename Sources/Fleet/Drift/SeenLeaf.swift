public import Foundation

/// A leaf as some place showed it: the wire tells all of it, HAProxy's memory only SHA-1 and serial.
public struct SeenLeaf: Sendable, Equatable, Codable {
  /// SHA-256 of its DER, lower-case hex; `unreadable` for a file that holds none.
  public var sha256: String?
  /// SHA-1 of its DER, lower-case hex: all that HAProxy tells.
  public var sha1: String?
  /// The serial number, hex.
  public var serial: String
  /// The issuer's common name: hostile text.
  public var issuer: String?
  /// The end of its life.
  public var notAfter: Date?

  /// Collects the parts.
  public init(
    sha256: String? = nil, sha1: String? = nil, serial: String, issuer: String? = nil, notAfter: Date? = nil
  ) {
    self.sha256 = sha256
    self.sha1 = sha1
    self.serial = serial
    self.issuer = issuer
    self.notAfter = notAfter
  }

  /// What lies in a file that is no certificate.
  public static let unreadable = SeenLeaf(sha256: "unreadable", serial: "")

  /// Whether both are the same certificate, by the best that both places tell.
  public func isSame(as other: SeenLeaf) -> Bool {
    if let sha256, let theirs = other.sha256 { return sha256 == theirs }
    if let sha1, let theirs = other.sha1 { return sha1 == theirs }
    return Self.normal(serial) == Self.normal(other.serial)
  }

  /// A serial as it is compared: programs differ in case and leading zeros.
  static func normal(_ serial: String) -> String { String(serial.uppercased().drop { $0 == "0" }) }

  /// For people: serial, issuer and end of life, as far as they are known.
  public var words: String {
    if sha256 == Self.unreadable.sha256 { return "a file that is no readable certificate" }
    let of = issuer.map { " of \($0)" } ?? ""
    let until = notAfter.map { ", valid until \(Wording.minute($0)) UTC" } ?? ""
    return "serial \(serial.isEmpty ? "unknown" : serial)\(of)\(until)"
  }
}

/// The leaf that a place should show, and when its life ends.
public struct ExpectedLeaf: Sendable, Equatable {
  /// What a look compares with.
  public var leaf: SeenLeaf
  /// The end of its life.
  public var notAfter: Date
  /// How long before its end a certificate like this is in danger.
  public var dangerSeconds: Double

  /// Collects the parts.
  public init(leaf: SeenLeaf, notAfter: Date, dangerSeconds: Double = 10 * 86_400) {
    self.leaf = leaf
    self.notAfter = notAfter
    self.dangerSeconds = dangerSeconds
  }
}

/// Leaves that this journal ever issued for a certificate's place: whatever shows one of them was not changed by a stranger.
public struct OwnLeaves: Sendable, Equatable {
  private var sha256: Set<String>
  private var serials: Set<String>

  /// Collects the leaves' sums and serials.
  public init(sha256: some Sequence<String> = [], serials: some Sequence<String> = []) {
    self.sha256 = Set(sha256)
    self.serials = Set(serials.map(SeenLeaf.normal))
  }

  /// Whether the leaf is one of ours. A serial alone has to do where a place tells no more.
  public func hold(_ leaf: SeenLeaf) -> Bool {
    if let sum = leaf.sha256 { return sha256.contains(sum) }
    return serials.contains(SeenLeaf.normal(leaf.serial))
  }
}
