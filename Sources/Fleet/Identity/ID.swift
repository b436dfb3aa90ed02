/// An identifier that cannot be confused with another kind's: `ID<Pair>` is never an `ID<Node>`.
///
/// Ids that people choose match `[A-Za-z0-9][A-Za-z0-9._-]{0,63}`; composed ids (a certificate's) join such parts with `/`.
public struct ID<Subject>: RawRepresentable, Hashable, Comparable, Sendable, Codable, CustomStringConvertible {
  /// The text as people write it.
  public let rawValue: String

  /// Wraps a text that was already checked by whoever read it.
  public init(rawValue: String) { self.rawValue = rawValue }

  /// Wraps a text that was already checked by whoever read it.
  public init(_ text: String) { self.rawValue = text }

  /// Reads a bare string, as ids stand in JSON.
  public init(from decoder: any Decoder) throws {
    rawValue = try decoder.singleValueContainer().decode(String.self)
  }

  /// Writes a bare string.
  public func encode(to encoder: any Encoder) throws {
    var container = encoder.singleValueContainer()
    try container.encode(rawValue)
  }

  /// The text itself.
  public var description: String { rawValue }

  /// Orders by code units, the same on every machine.
  public static func < (left: Self, right: Self) -> Bool { left.rawValue < right.rawValue }
}

/// Identifies a customer.
public typealias CustomerID = ID<Customer>
/// Identifies a pair of load balancers.
public typealias PairID = ID<Pair>
/// Identifies a node, unique in the whole fleet.
public typealias NodeID = ID<Node>
/// Identifies a VIP within its pair.
public typealias VIPID = ID<VIP>
/// Identifies an ACME authority as the inventory names it.
public typealias AuthorityID = ID<Authority>
/// Identifies a certificate that we want, in the whole fleet.
public typealias SpecID = ID<CertificateSpec>
/// Identifies one try at one certificate.
public typealias AttemptID = ID<Attempt>
/// Identifies one rollout of a batch onto a pair.
public typealias RolloutID = ID<Rollout>
/// Identifies one run.
public typealias SweepID = ID<Sweep>

/// One run of the controller: the namespace of its identity.
public enum Sweep {}
