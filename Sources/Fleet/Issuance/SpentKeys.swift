/// Which keys of a certificate nobody needs any more, told from what was recorded of it.
public enum SpentKeys {
  /// Attempts whose key may go from the nodes: those that ended without a certificate, and those whose certificate was followed by two newer
  /// ones. The newest certificate is in use, and the one before it is what a roll-back brings back; a try that is going on may be resumed.
  ///
  /// - Parameter history: records that mention the certificate, in journal order.
  public static func attempts(in history: [Record], of spec: SpecID) -> [AttemptID] {
    var begun: [AttemptID] = []
    var ended: Set<AttemptID> = []
    var issued: [AttemptID] = []
    for record in history {
      switch record.event {
      case .attemptStarted(let of, _, _, _) where of.spec == spec: begun.append(of.attempt)
      case .attemptFailed(let of, _) where of.spec == spec: ended.insert(of.attempt)
      case .issued(let of, _) where of.spec == spec: issued.append(of.attempt)
      default: break
      }
    }
    // The last one begun is going on unless it ended.
    ended.formUnion(begun.dropLast())
    let kept = Set(issued.suffix(2))
    return begun.filter { ended.contains($0) && !kept.contains($0) }.suffix(mostAtOnce)
  }

  /// Each try removes those before it, so that a few are enough to catch up after nodes that did not answer.
  private static let mostAtOnce = 30
}
