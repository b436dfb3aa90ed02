public import Foundation

/// What the last preflight says of a plan: how many certificates will fail, and why.
public struct Outlook: Sendable, Equatable, Codable {
  /// Certificates that will fail for one cause.
  public struct Group: Sendable, Equatable, Codable {
    /// The cause.
    public var kind: Failure.Kind
    /// Whether no order is even made for them.
    public var isVetoed: Bool
    /// Which.
    public var specs: [SpecID]
    /// What was seen at the first of them.
    public var evidence: String
  }

  /// How many certificates were looked at.
  public var checked: Int
  /// How many are to be issued or renewed.
  public var total: Int
  /// When the oldest of them was looked at; nil when none was.
  public var at: Date?
  /// By cause, the largest first.
  public var groups: [Group]

  /// How many will fail.
  public var failing: Int { groups.reduce(0) { $0 + $1.specs.count } }

  /// Reads the findings about the certificates that a plan issues or renews, those waiting for a back-off included.
  public init(_ plan: Plan, _ state: FleetState, _ findings: Findings, at now: Date) {
    var groups: [[String]: Group] = [:]
    (checked, total) = (0, 0)
    for change in plan.changes {
      switch (change.action, change.reason) {
      case (.issue, _), (.renew, _), (.blocked, .waiting), (.blocked, .heldBack), (.blocked, .inDoubt): break
      case (.redeploy, _), (.keep, _), (.blocked, _): continue
      }
      total += 1
      guard !findings.isEmpty, let certificate = state.certificates[change.spec] else { continue }
      guard let seen = findings.lookedAt(certificate.spec) else { continue }
      checked += 1
      at = min(at ?? seen, seen)
      guard let worst = findings.worst(of: certificate.spec, at: now), let kind = worst.verdict.kind else { continue }
      let isVetoed = worst.verdict == .vetoes(kind) || worst.verdict.isCertain
      let key = [kind.rawValue, isVetoed ? "veto" : ""]
      groups[key, default: Group(kind: kind, isVetoed: isVetoed, specs: [], evidence: worst.evidence)]
        .specs.append(change.spec)
    }
    self.groups = groups.values.sorted {
      $0.specs.count == $1.specs.count ? $0.kind.rawValue < $1.kind.rawValue : $0.specs.count > $1.specs.count
    }
  }

  /// For people; nothing when nothing was ever looked at. Names beyond the third are counted unless all are wanted.
  public func lines(at now: Date, isVerbose: Bool = false) -> [String] {
    guard let at, total > 0 else { return [] }
    let age = "checked \(Wording.span(now.timeIntervalSince(at))) ago"
    let part = checked < total ? ", \(Wording.grouped(checked)) of \(Wording.grouped(total)) looked at" : ""
    guard failing > 0 else { return ["Nothing is known to fail (\(age)\(part))"] }
    var lines = ["\(Wording.grouped(failing)) will fail (\(age)\(part)):"]
    for group in groups {
      let shown = isVerbose ? group.specs.count : 3
      let more = group.specs.count > shown ? " and \(Wording.grouped(group.specs.count - shown)) more" : ""
      let names = group.specs.prefix(shown).map { Printable.terminal($0.rawValue) }.joined(separator: ", ")
      lines.append(
        "  \(Wording.grouped(group.specs.count)) × \(group.kind.title)\(group.isVetoed ? ", no order is made" : "")"
          + ": \(names)\(more)")
      lines.append("      \(Printable.short(group.evidence, 160))")
      lines.append("      \(group.kind.advice)")
    }
    return lines
  }
}
