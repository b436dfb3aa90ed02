/// What a report says of the quarantine: a line for each cause, and the links that only a person can open.
public struct QuarantineLines: Sendable, Equatable {
  /// Certificates whose names moved away.
  public var movedAway = 0
  /// Certificates that the CA paused.
  public var paused = 0
  /// How many came into quarantine since the last report.
  public var newCount = 0
  /// Where pauses are ended, each once, sorted.
  public var links: [String] = []

  /// Counts what is in quarantine among these.
  public init(_ rows: [CertificateRow]) {
    var found: Set<String> = []
    for row in rows {
      guard let quarantine = row.quarantine else { continue }
      switch quarantine.cause {
      case .movedAway: movedAway += 1
      case .pausedByAuthority: paused += 1
      }
      if row.isNewFailure { newCount += 1 }
      if let link = quarantine.unpauseLink { found.insert(link) }
    }
    links = found.sorted()
  }

  /// The lines, without markup; empty where nothing is in quarantine.
  public var lines: [String] {
    var lines: [String] = []
    if movedAway > 0 {
      lines.append(
        "Quarantine: \(Wording.count(movedAway, "certificate")) whose names moved away, tried once a week; "
          + "certfleet quarantine list shows the evidence")
    }
    if paused > 0 {
      lines.append(
        "Quarantine: \(Wording.count(paused, "certificate")) paused by the CA until somebody opens its link and says "
          + "certfleet quarantine release NAME")
    }
    return lines + links.map { "  -> \(Printable.terminal($0))" }
  }
}
