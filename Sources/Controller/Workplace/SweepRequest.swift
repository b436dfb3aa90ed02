public import Fleet

/// What a `run` or `renew` was asked to do.
public struct SweepRequest: Sendable {
  /// Why it is started.
  public var purpose: SweepPurpose
  /// A saved plan: only its certificates are touched, and renewals that fall due.
  public var plan: String?
  /// Start nothing new after so many seconds.
  public var until: Double?
  /// Start at most so many orders.
  public var maximum: Int?

  /// Collects the parts.
  public init(purpose: SweepPurpose, plan: String? = nil, until: Double? = nil, maximum: Int? = nil) {
    self.purpose = purpose
    self.plan = plan
    self.until = until
    self.maximum = maximum
  }
}
