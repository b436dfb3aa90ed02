extension Dispatcher {
  /// One thing to do.
  public enum Work: Sendable, Equatable {
    /// Ask both nodes of the pair who they are and who is active.
    case survey(PairID)
    /// Get one certificate; the lease's buckets are reserved.
    case issue(IssueOrder)
    /// Bring a batch onto its pair.
    case rollOut(RolloutOrder)
  }

  /// Leave to run one attempt.
  public struct IssueOrder: Sendable, Equatable {
    /// What to get.
    public var spec: CertificateSpec
    /// The attempt: a new one, or one that an earlier run left open.
    public var attempt: Attempt
    /// The revision it is for.
    public var revision: Int
    /// Whether the attempt is already in the journal.
    public var isResumed: Bool
    /// Bucket rows that moved by the reservation, to be stored with the intention.
    public var buckets: [BucketRow]
  }
}
