extension Dispatcher {
  /// One thing to do.
  public enum Work: Sendable, Equatable {
    /// Ask both nodes of the pair who they are and who is active.
    case survey(PairID)
    /// Look at what DNS says of these, before anything is ordered for them.
    case look([CertificateSpec])
    /// See what the nodes and VIPs of the pair show of these certificates.
    case see(PairID, [SpecID])
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
    /// The key to take again, where the pair reuses keys and there is one of the same kind for the same names.
    public var reuse: ReusableKey? = nil
    /// Bucket rows that moved by the reservation, to be stored with the intention.
    public var buckets: [BucketRow]
  }

  /// A key that is there already.
  public struct ReusableKey: Sendable, Equatable {
    /// The attempt that it was made for; it names the file.
    public var attempt: AttemptID
    /// Where it lies.
    public var nodes: Set<NodeID>
  }
}

extension CertificateState {
  /// The key of the newest certificate, if a renewal may take it again: the same names, kind of key and profile.
  var reusableKey: Dispatcher.ReusableKey? {
    guard let issued, issuedRevision == revision, let keyNode else { return nil }
    let proved = installations.filter { $0.value.attempt == issued.attempt }.keys
    return Dispatcher.ReusableKey(
      attempt: issued.attempt, nodes: keyNode == .controller ? [.controller] : Set(proved).union([keyNode]))
  }
}
