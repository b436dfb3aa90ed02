public import Foundation

/// What a report says of certificates for which no order is made because it would certainly fail.
public struct HeldBackLines: Sendable, Equatable {
  /// By cause, the largest first.
  public var groups: [FailureGroup]
  /// The question to a person, where so much looks certain that this machine is in doubt.
  public var doubt: HeldBack.Doubt?

  /// Gathers what is held back among these.
  public init(_ rows: [CertificateRow], doubt: HeldBack.Doubt?) {
    groups = FailureGroup.groups(of: rows.filter { $0.heldSince != nil })
    self.doubt = doubt
  }

  /// How many certificates are held back.
  public var count: Int { groups.reduce(0) { $0 + $1.rows.count } }

  /// The lines, without markup; empty where nothing is held back.
  public func lines(shown: Int = 5) -> [String] {
    var lines: [String] = []
    if let doubt {
      lines.append(doubt.question)
      lines.append("  No more than \(HeldBack.triesInDoubt) of them are ordered in a run until that is clear.")
      lines.append("  -> \(HeldBack.Doubt.advice)")
    }
    guard count > 0 else { return lines }
    lines.append(
      "\(Wording.count(count, "certificate waits", "certificates wait")) for their DNS: no order is made, each run looks "
        + "again, and certfleet retry NAME orders all the same")
    for group in groups {
      let new = group.newCount > 0 ? ", \(group.newCount) new" : ""
      lines.append("  \(group.title): \(Wording.grouped(group.rows.count))\(new)")
      lines.append("  -> \(group.advice)")
      for row in group.rows.prefix(shown) {
        let since = row.heldSince.map { " since \(Wording.minute($0))" } ?? ""
        lines.append("    \(Printable.terminal(SweepReportText.name(of: row)))\(since)")
        if let detail = row.cause?.detail, !detail.isEmpty { lines.append("        \(Printable.terminal(detail))") }
      }
      if group.rows.count > shown { lines.append("    and \(Wording.grouped(group.rows.count - shown)) more") }
    }
    return lines
  }
}

extension CertificateRow {
  /// Tells that no order is made for it, where that is so: it waits for its DNS, and nothing of ours failed.
  ///
  /// - Parameter since: when the run began that is reported: what is held back only since then is new.
  public mutating func hold(
    _ certificate: CertificateState, _ held: HeldBack, pair: Pair?, isPaused: Bool, at now: Date,
    since: Date = .distantFuture
  ) {
    guard let finding = held.certain[spec], let pair else { return }
    let action = Planner.decide(certificate, pair: pair, isPaused: isPaused, at: now).0
    guard action == .issue || action == .renew, let reason = held.reason(of: certificate, at: now) else { return }
    switch reason {
    case .waiting(let until, _): nextTry = until
    case .heldBack(_, let heldSince):
      standing = .waiting
      work = .waiting
      cause = finding.failure
      causeAt = heldSince
      self.heldSince = heldSince
      // Moments are stored in whole seconds.
      isNewFailure = heldSince.timeIntervalSince1970 >= since.timeIntervalSince1970.rounded(.down)
    default: break
    }
  }
}
