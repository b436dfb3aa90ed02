public import Foundation

/// The scheduler's answer.
public enum Decision: Sendable, Equatable {
  /// Start this now. Its tokens are reserved in the ledger; store the lease's rows with the event that starts the attempt.
  case start(Lease)
  /// Nothing can start before then, unless something finishes or is added; this is what binds.
  case wait(until: Date, boundBy: Binding)
  /// Nothing is left to start, or nothing can before something in flight finishes or is added.
  case idle
}

/// Leave to work on one certificate now.
public struct Lease: Sendable, Equatable {
  /// Which.
  public var spec: SpecID
  /// A first issue or a renewal.
  public var kind: Candidate.Kind
  /// Where it is served.
  public var pair: PairID
  /// Whose it is.
  public var customer: CustomerID?
  /// The attempt that holds the tokens.
  public var attempt: AttemptID
  /// What is ordered.
  public var order: PlannedOrder
  /// The buckets that the reservation changed.
  public var rows: [BucketRow]
  /// What it had to wait for last, if for anything.
  public var boundBy: Binding?
}

/// What keeps work waiting.
public enum Binding: Sendable, Hashable, CustomStringConvertible {
  /// A bucket of the CA's.
  case limit(BucketKey)
  /// The certificate's own back-off.
  case backOff(SpecID)
  /// The pair is paused, frozen or outside its window.
  case closed(PairID)
  /// As much as allowed is in flight on the pair.
  case pair(PairID)
  /// As much as allowed is in flight.
  case total
  /// The same set of names is in flight elsewhere.
  case sameSet
  /// The CA is busy and wants to be left alone.
  case authority
  /// The CA fails every order: one is tried at a time.
  case failing

  /// A phrase for plans.
  public var description: String {
    switch self {
    case .limit(let key): "\(key.limit.title) (\(key.subject))"
    case .backOff: "back-off after a failure"
    case .closed(let pair): "\(pair) is closed"
    case .pair(let pair): "orders in flight on \(pair)"
    case .total: "orders in flight"
    case .sameSet: "the same names in flight elsewhere"
    case .authority: "the CA is busy"
    case .failing: "the CA fails every order; one is tried a minute"
    }
  }
}
