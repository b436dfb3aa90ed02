/// What a run knows of one pair.
public enum PairStanding: Sendable, Equatable {
  /// Nobody asked yet. Then: `.surveying`.
  case unknown
  /// The nodes are being asked. Then: `.surveyed`.
  case surveying
  /// The nodes answered, or did not. Then: `.surveying` again when the answer has become old.
  case surveyed(PairSurvey)

  /// Seconds after which a pair in trouble is asked again, while the run lasts for other reasons.
  public static let troubleRecheckSeconds: Double = 60

  /// The survey, once there is one.
  public var survey: PairSurvey? {
    if case .surveyed(let survey) = self { return survey }
    return nil
  }
}

/// Where a batch of one pair may go.
enum BatchTarget: Hashable, Sendable {
  /// Every node, in turns.
  case pair
  /// One node that owes what its peer already serves.
  case node(NodeID)
}
