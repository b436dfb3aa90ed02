import Foundation

/// The report for a terminal and for the plain-text part of the mail.
public enum SweepReportText {
  /// Certificates shown under each cause before the rest is only counted; the CSV holds all.
  static let shownPerGroup = 5

  /// The whole report.
  public static func render(_ report: SweepReport) -> String {
    var lines = [headline(report), ""] + failingAuthority(report) + clock(report)
    var table = TextTable(
      "customer", ">wanted", ">served", ">issued", ">renewed", ">kept", ">waiting", ">failed", "next expiry")
    for line in report.customers + (report.customers.count > 1 ? [report.total] : []) {
      let failed = line.newlyFailed > 0 ? "\(line.failed) (\(line.newlyFailed) new)" : "\(line.failed)"
      table.add(
        line.name, Wording.grouped(line.wanted), Wording.grouped(line.served), Wording.grouped(line.issued),
        Wording.grouped(line.renewed),
        Wording.grouped(line.kept), Wording.grouped(line.waiting), failed, line.nextExpiry.map(Wording.day) ?? "-")
    }
    lines += table.lines
    lines += report.drift.lines
    lines += troubles(report) + holds(report) + windows(report) + groups(report) + heldBack(report)
    lines += quarantine(report) + losses(report) + chain(report) + limits(report)
    lines += proofs(report) + notices(report) + removedKeys(report) + reloads(report) + pace(report)
    return lines.joined(separator: "\n") + "\n"
  }

  /// One sentence that tells a manager how it went; also the mail's subject.
  public static func headline(_ report: SweepReport) -> String {
    let total = report.total
    var parts: [String] = []
    if let failing = report.failingAuthority, failing.goesOn { parts.append(failing.words) }
    if total.issued > 0 { parts.append("\(Wording.grouped(total.issued)) issued") }
    if total.renewed > 0 { parts.append("\(Wording.grouped(total.renewed)) renewed") }
    let isIdle = total.issued + total.renewed + total.waiting + total.failed + total.unseen == 0
    // What a pause holds back is something to do.
    if isIdle, report.holds.allSatisfy({ $0.waiting == 0 }) { parts.append("nothing to do") }
    if total.kept > 0 { parts.append("\(Wording.grouped(total.kept)) kept") }
    if total.waiting > 0 { parts.append("\(Wording.grouped(total.waiting)) waiting") }
    if total.failed > 0 {
      parts.append(
        "\(Wording.grouped(total.failed)) failed" + (total.newlyFailed > 0 ? " (\(total.newlyFailed) new)" : ""))
    }
    if report.drift.count > 0 { parts.append("\(Wording.grouped(report.drift.count)) not as proved") }
    let people =
      report.drift.groups.count { $0.reluctance != nil } + report.troubles.count
      + (report.authorityFailure == nil ? 0 : 1) + (report.failingAuthority?.goesOn == true ? 1 : 0)
      + (report.clock?.error == nil ? 0 : 1)
      + (report.doubt == nil ? 0 : 1)
      + (report.inputs == nil ? 0 : 1)
      + report.holds.count(where: \.needsPerson)
      + report.groups.count { $0.kind.loudness == .operatorNeeded }
    if total.unseen > 0 { parts.append("\(Wording.grouped(total.unseen)) could not be looked at") }
    // The sum of the words before, but for versions that are on their way.
    if total.served > total.issued + total.renewed + total.kept {
      parts.append("\(Wording.grouped(total.served)) of \(Wording.grouped(total.wanted)) served")
    }
    let paused = report.holds.reduce(0) { $0 + $1.pairs.count }
    if report.holds.contains(where: \.isWholeFleet) {
      parts.append("the whole fleet is paused")
    } else if paused > 0 {
      parts.append("\(Wording.count(paused, "pair")) paused")
    }
    if let inputs = report.inputs { parts.append(inputs.words) }
    if people > 0 { parts.append("\(Wording.count(people, "thing needs", "things need")) a person") }
    let span = Wording.span(report.endedAt.timeIntervalSince(report.startedAt))
    if let goesOn = report.goesOn {
      let why = report.waitsFor.map { " (\(Printable.terminal($0)))" } ?? ""
      let when = "it goes on at \(Wording.minute(goesOn)) UTC\(why)"
      return "Renewal so far, after \(span); \(when): " + parts.joined(separator: ", ")
    }
    let how =
      switch report.end {
      case .completed: "finished in \(span)"
      case .stopped: "stopped after \(span) as asked"
      case .interrupted: "interrupted after \(span); the next run goes on"
      }
    return "\(report.purpose == .renew ? "Renewal" : "Run") \(how): " + parts.joined(separator: ", ")
  }

  private static func failingAuthority(_ report: SweepReport) -> [String] {
    guard let failing = report.failingAuthority else { return [] }
    guard failing.goesOn else { return [failing.title, ""] }
    return [failing.title, "    \(Printable.terminal(failing.evidence))", "  -> \(failing.advice)", ""]
  }

  private static func clock(_ report: SweepReport) -> [String] {
    guard let clock = report.clock, let title = clock.title else { return [] }
    return [title] + (clock.error == nil ? [] : ["  -> \(ClockReview.advice)"]) + [""]
  }

  private static func troubles(_ report: SweepReport) -> [String] {
    guard !report.troubles.isEmpty || report.authorityFailure != nil || report.inputs != nil else { return [] }
    var lines = ["", "Needs a person:"]
    if let inputs = report.inputs {
      lines.append("  \(inputs.title)")
      lines += inputs.lines.map { "      \(Printable.terminal($0))" } + ["      -> \(InputReview.advice)"]
    }
    if let failure = report.authorityFailure {
      lines.append("  \(failure.kind.title); nothing could be issued")
      lines.append("      \(Printable.terminal(failure.detail))")
      lines.append("      -> \(failure.kind.advice)")
    }
    for trouble in report.troubles {
      let place = trouble.node.map { "\(trouble.pair), node \($0)" } ?? "\(trouble.pair)"
      let waiting =
        trouble.waiting > 0 ? "; \(Wording.count(trouble.waiting, "certificate waits", "certificates wait"))" : ""
      lines.append("  \(place): \(trouble.failure.kind.title)\(waiting)")
      lines.append("      \(Printable.terminal(trouble.failure.detail))")
      if let safety = trouble.safety(at: report.endedAt) { lines.append("      \(safety)") }
      lines.append("      -> \(trouble.failure.kind.advice)")
    }
    return lines
  }

  private static func groups(_ report: SweepReport) -> [String] {
    var lines: [String] = []
    for group in report.groups {
      let new = group.newCount > 0 ? ", \(group.newCount) new" : ""
      lines += ["", "\(group.title): \(Wording.count(group.rows.count, "certificate"))\(new)", "  -> \(group.advice)"]
      for row in group.rows.prefix(shownPerGroup) {
        let since = row.failingSince.map { " since \(Wording.minute($0))" } ?? ""
        let safe = row.servedNotAfter.map { ", served until \(Wording.day($0))" } ?? ""
        let next = row.nextTry.map { ", next try \(Wording.minute($0))" } ?? ""
        lines.append("    \(Printable.terminal(name(of: row))) (\(row.pair))\(since)\(safe)\(next)")
        if let detail = row.cause?.detail, !detail.isEmpty { lines.append("        \(Printable.terminal(detail))") }
      }
      if group.rows.count > shownPerGroup {
        lines.append("    and \(Wording.grouped(group.rows.count - shownPerGroup)) more; all are in the CSV")
      }
    }
    return lines
  }

  private static func heldBack(_ report: SweepReport) -> [String] {
    let lines = HeldBackLines(report.rows, doubt: report.doubt).lines()
    return lines.isEmpty ? [] : [""] + lines
  }

  private static func quarantine(_ report: SweepReport) -> [String] {
    let lines = QuarantineLines(report.rows).lines
    return lines.isEmpty ? [] : [""] + lines
  }

  private static func pace(_ report: SweepReport) -> [String] {
    let lines = report.pace?.lines ?? []
    return lines.isEmpty ? [] : [""] + lines
  }

  private static func losses(_ report: SweepReport) -> [String] {
    guard !report.lostOrders.isEmpty else { return [] }
    return ["", "Orders lost in a crash: \(report.lostOrders.count)"]
      + report.lostOrders.map { "    \($0.spec): \(Printable.terminal($0.detail))" }
  }

  private static func notices(_ report: SweepReport) -> [String] {
    guard !report.notices.isEmpty else { return [] }
    return ["", "Noticed on the nodes:"] + report.notices.map { "    \($0.node): \(Printable.terminal($0.text))" }
  }

  private static func holds(_ report: SweepReport) -> [String] {
    guard !report.holds.isEmpty else { return [] }
    return ["", HoldNote.title + ":"]
      + report.holds.flatMap { note in
        ["    \(note.lines[0])"] + note.lines.dropFirst().map { "        \($0)" } + ["        -> \(note.advice)"]
      }
  }

  private static func windows(_ report: SweepReport) -> [String] {
    report.windows.isEmpty ? [] : ["", "\(WindowWait.title):"] + report.windows.map { "    \($0.text)" }
  }

  private static func removedKeys(_ report: SweepReport) -> [String] {
    report.removedKeys.isEmpty ? [] : ["", RemovedKeys.text(report.removedKeys)]
  }

  /// Every node would be a long list: the sum, and the worst five.
  private static func reloads(_ report: SweepReport) -> [String] {
    guard !report.reloads.isEmpty else { return [] }
    return [""] + SweepReport.NodeReloads.summary(report.reloads) + report.reloads.prefix(5).map { "    \($0.line)" }
  }

  private static func chain(_ report: SweepReport) -> [String] {
    report.rootNote.map { ["", "Chain: \(Printable.terminal($0))"] } ?? []
  }

  private static func limits(_ report: SweepReport) -> [String] {
    guard !report.limitNotes.isEmpty else { return [] }
    return ["", "Limits of the CA that others use as well:"]
      + report.limitNotes.map { "    \(Printable.terminal($0.text))" }
  }

  private static func proofs(_ report: SweepReport) -> [String] {
    var lines: [String] = []
    if !report.unconfirmed.isEmpty {
      lines += ["", Wording.unconfirmedTitle]
      lines += report.unconfirmed.map {
        "    \($0.node): \(Wording.count($0.count, "certificate")); \(Printable.terminal($0.reason))"
      }
      lines.append("  -> \(Wording.unconfirmedAdvice)")
    }
    let proved = report.weakProofs.filter { $0.level > .unconfirmed }
    if !proved.isEmpty {
      lines += ["", "Proved below the wire (proved there after the next fail-over):"]
      lines += proved.map {
        "    \($0.node): \(Wording.count($0.count, "certificate")) by \($0.level.rawValue); \(Printable.terminal($0.reason))"
      }
    }
    return lines
  }

  static func name(of row: CertificateRow) -> String {
    let first = row.names.first ?? row.spec.rawValue
    return row.names.count > 1 ? "\(first) +\(row.names.count - 1)" : first
  }
}
