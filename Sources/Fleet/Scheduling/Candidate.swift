public import Foundation

/// A certificate that could be worked on, as the scheduler sees it.
public struct Candidate: Sendable, Equatable {
  /// Which certificate.
  public var spec: SpecID
  /// A first issue or a renewal.
  public var kind: Kind
  /// Where it is served.
  public var pair: PairID
  /// Whose it is.
  public var customer: CustomerID?
  /// What the CA's limits see.
  public var order: PlannedOrder
  /// The end of the certificate that is served now.
  public var expiry: Date?
  /// From when on that certificate is in danger; then it goes first and may use the reserve.
  public var dangerAt: Date?
  /// An operator's order: goes first and may use the reserve at once.
  public var isUrgent: Bool
  /// The back-off runs until then.
  public var notBefore: Date?
  /// Ties between customers are broken in favour of the larger.
  public var weight: Int
  /// The preflight thinks that it will fail: it goes last, but it goes.
  public var looksBad: Bool
  /// How often it failed in a row. Among those that look bad the one that failed least goes first: names that fail for ever must not keep
  /// one waiting that was mended.
  public var failures: Int
  /// An open try to go on with; if the ledger still holds its tokens, no new ones are needed.
  public var attempt: AttemptID?

  /// Collects the parts.
  public init(
    spec: SpecID, kind: Kind, pair: PairID, customer: CustomerID? = nil, order: PlannedOrder, expiry: Date? = nil,
    dangerAt: Date? = nil, isUrgent: Bool = false, notBefore: Date? = nil, weight: Int = 1, looksBad: Bool = false,
    failures: Int = 0, attempt: AttemptID? = nil
  ) {
    self.spec = spec
    self.kind = kind
    self.pair = pair
    self.customer = customer
    self.order = order
    self.expiry = expiry
    self.dangerAt = dangerAt
    self.isUrgent = isUrgent
    self.notBefore = notBefore
    self.weight = weight
    self.looksBad = looksBad
    self.failures = failures
    self.attempt = attempt
  }

  /// What is to be got.
  public enum Kind: String, Sendable, Codable {
    case issue
    case renew
  }
}

/// The place of a candidate among its equals: what looks bad last, by its failures, then the nearest expiry, the heavier customer, a stable spread.
struct Rank: Sendable, Comparable {
  var looksBad: Bool
  var failures: Int
  var expiry: Microseconds
  var lightness: Int
  var spread: UInt64

  init(_ candidate: Candidate, seed: UInt64) {
    looksBad = candidate.looksBad
    failures = candidate.looksBad ? candidate.failures : 0
    expiry = candidate.expiry?.microseconds ?? .max
    lightness = -candidate.weight
    spread = StableHash.of(candidate.spec.rawValue, seed: seed)
  }

  static func < (left: Rank, right: Rank) -> Bool {
    if left.looksBad != right.looksBad { return right.looksBad }
    if left.failures != right.failures { return left.failures < right.failures }
    if left.expiry != right.expiry { return left.expiry < right.expiry }
    if left.lightness != right.lightness { return left.lightness < right.lightness }
    return left.spread < right.spread
  }
}
