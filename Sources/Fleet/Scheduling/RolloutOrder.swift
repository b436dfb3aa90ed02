/// Leave to roll a batch out onto a pair now.
public struct RolloutOrder: Sendable, Equatable {
  /// Identifies the rollout.
  public var id: RolloutID
  /// The pair.
  public var pair: PairID
  /// What is rolled out.
  public var items: [AttemptReference]
  /// The node whose turn is first: the one with fewer active VIPs.
  public var first: NodeID
  /// Its peer; nil for a pair of one node, for a degraded pair, and when only one node owes something.
  public var second: NodeID?
  /// The peer that is left out because it cannot be reached, and therefore owes the batch.
  public var owing: NodeID?

  /// Collects the parts.
  public init(
    id: RolloutID, pair: PairID, items: [AttemptReference], first: NodeID, second: NodeID?, owing: NodeID?
  ) {
    self.id = id
    self.pair = pair
    self.items = items
    self.first = first
    self.second = second
    self.owing = owing
  }
}

/// Gathers issued certificates into rollouts: which batch of a pair may start now, and when to look again.
public struct BatchPolicy: Sendable {
  /// The most certificates in one rollout.
  public var size: Int
  /// Seconds that an issued certificate waits for company.
  public var seconds: Int

  /// Takes the limits from the inventory.
  public init(_ pace: PaceSettings) {
    size = pace.batchSize
    seconds = pace.batchSeconds
  }

  /// Whether a batch starts: it is full, nothing more is coming soon, or the oldest has waited long enough.
  public func starts(waiting: Int, oldestAge: Double, moreIsComing: Bool) -> Bool {
    waiting > 0 && (waiting >= size || !moreIsComing || oldestAge >= Double(seconds))
  }
}
