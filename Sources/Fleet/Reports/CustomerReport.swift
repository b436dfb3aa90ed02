public import Foundation

/// The progress of one customer: done, due, failing and why. It holds nothing of other customers and no names of our machines.
public struct CustomerReport: Sendable, Equatable, Codable {
  /// Whose.
  public var customer: CustomerID
  /// The name as it is printed.
  public var name: String
  /// When it was made.
  public var at: Date
  /// Certificates served by the load balancer: what visitors get, whatever becomes of their next version.
  public var done: Int
  /// Certificates whose load balancer did not answer when it was last looked at.
  public var unseen: Int
  /// Certificates that are not served, or no longer.
  public var unserved: Int
  /// Served ones that are due for renewal within 14 days.
  public var dueSoon: Int
  /// First or next versions that wait or are issued and not served yet.
  public var waiting: Int
  /// First or next versions that fail.
  public var failing: Int
  /// When the last certificate that waits is expected to be issued; nil where none waits or nobody knows.
  public var finish: Date?
  /// The next end of life among what is served.
  public var nextExpiry: Date?
  /// What stops certificates, what the customer can mend first.
  public var groups: [FailureGroup]
  /// Every certificate of this customer.
  public var rows: [CertificateRow]

  /// Builds the report from the present state.
  public init(_ customer: Customer, state: FleetState, inventory: Inventory, held: HeldBack = HeldBack(), at now: Date)
  {
    self.customer = customer.id
    name = customer.name
    at = now
    let pairs = Dictionary(uniqueKeysWithValues: inventory.pairs.map { ($0.id, $0) })
    rows = state.certificates.values.filter { $0.spec.customer == customer.id }.sorted { $0.spec.id < $1.spec.id }.map {
      certificate in
      let pair = pairs[certificate.spec.pair]
      var row = CertificateRow(certificate, in: state, pair: pair, sweep: nil, at: now)
      row.hold(
        certificate, held, pair: pair, isPaused: state.isPaused(certificate.spec.pair, at: now), at: now)
      return Self.withoutInternals(row)
    }
    done = rows.count { $0.service == .served }
    unseen = rows.count { $0.service == .unseen }
    unserved = rows.count - done - unseen
    dueSoon = rows.count { row in
      row.service == .served && row.dueAt.map { $0 < now.addingTimeInterval(14 * 86_400) } == true
    }
    waiting = rows.count { $0.standing == .waiting || $0.standing == .issued }
    failing = rows.count { $0.work == .failing && $0.service != .unseen }
    nextExpiry = rows.compactMap(\.servedNotAfter).min()
    groups = FailureGroup.groups(of: rows).sorted { Self.rank($0) < Self.rank($1) }
  }

  /// What the customer can mend stands first; our own troubles are "the operator is on it".
  private static func rank(_ group: FailureGroup) -> Int {
    switch group.kind.loudness {
    case .customer: 0
    case .operatorNeeded: 1
    case .quiet: 2
    }
  }

  /// What the customer is told to do.
  static func advice(_ kind: Failure.Kind) -> String {
    kind.loudness == .customer ? kind.advice : "Nothing to do for you: the operator is at work on this."
  }

  /// Pairs, nodes and their words are the operator's: a customer reads only that the operator is at work.
  private static func withoutInternals(_ row: CertificateRow) -> CertificateRow {
    var row = row
    row.pair = PairID("")
    row.vip = VIPID("")
    row.spec = SpecID(row.names.first ?? "")
    row.proofs = [:]
    // Its evidence names pairs of ours, and its link is for the account that all customers share.
    row.quarantine = nil
    row.cause?.node = nil
    if let cause = row.cause, cause.kind.loudness != .customer || cause.kind == .anotherPair {
      row.cause = Failure(
        cause.kind, cause.kind == .anotherPair ? "" : "The operator is at work on this.", name: cause.name)
    }
    return row
  }
}

/// The customer's report in words.
public enum CustomerReportText {
  /// For a terminal or the plain-text part of a mail.
  public static func render(_ report: CustomerReport) -> String {
    var lines = [Printable.terminal(headline(report)), ""]
    var table = TextTable(
      ">certificates", ">served", ">not served", ">due within 14 days", ">waiting", ">failing", "next expiry")
    table.add(
      Wording.grouped(report.rows.count), Wording.grouped(report.done), Wording.grouped(report.unserved),
      Wording.grouped(report.dueSoon), Wording.grouped(report.waiting), Wording.grouped(report.failing),
      report.nextExpiry.map(Wording.day) ?? "-")
    lines += table.lines
    lines += notes(report).flatMap { ["", $0] }
    for group in report.groups {
      lines += [
        "", "\(group.title): \(Wording.count(group.rows.count, "certificate"))",
        "  -> \(CustomerReport.advice(group.kind))",
      ]
      for row in group.rows.prefix(20) {
        let since = row.failingSince.map { " since \(Wording.day($0))" } ?? ""
        lines.append("    \(Printable.terminal(SweepReportText.name(of: row)))\(since)")
        if let detail = row.cause?.detail, !detail.isEmpty { lines.append("        \(Printable.terminal(detail))") }
      }
      if group.rows.count > 20 { lines.append("    and \(Wording.grouped(group.rows.count - 20)) more") }
    }
    return lines.joined(separator: "\n") + "\n"
  }

  /// For a browser or the HTML part of a mail.
  public static func html(_ report: CustomerReport) -> String {
    var body = [
      HTMLPage.title(headline(report)),
      HTMLPage.card([
        HTMLPage.tile(report.done, "served", colour: "#1d7a46")
          + HTMLPage.tile(
            report.unserved, "not served", colour: report.unserved == 0 ? "#9aa5b1" : "#b3261e")
          + HTMLPage.tile(report.dueSoon, "due within 14 days", colour: "#1c2733")
          + HTMLPage.tile(report.waiting, "waiting", colour: "#8a6100")
          + HTMLPage.tile(report.failing, "failing", colour: report.failing == 0 ? "#9aa5b1" : "#b3261e")
      ]),
    ]
    body += notes(report).map { HTMLPage.paragraph($0) }
    body += report.groups.map { group in
      HTMLPage.card(
        [
          HTMLPage.heading("\(group.title): \(Wording.count(group.rows.count, "certificate"))"),
          HTMLPage.paragraph(CustomerReport.advice(group.kind)),
        ] + HTMLPage.certificates(group.rows, shown: 20, showsPair: false),
        // What we mend ourselves is no call to the customer.
        accent: group.kind.loudness == .customer ? "#8a5a00" : "#d5dae1")
    }
    body.append(HTMLPage.paragraph("As of \(Wording.minute(report.at)) UTC", muted: true))
    return HTMLPage.page(title: headline(report), body: body)
  }

  /// What the numbers do not say: that a new version is on its way beside what is served, and until when.
  private static func notes(_ report: CustomerReport) -> [String] {
    var notes: [String] = []
    let renewed = report.rows.count { $0.service == .served && [.waiting, .issued, .failing, .held].contains($0.work) }
    if renewed > 0 {
      notes.append(
        "Of those served, \(Wording.count(renewed, "certificate has", "certificates have")) a newer version on the way; "
          + "visitors get the one before it until then.")
    }
    if let finish = report.finish {
      notes.append("What waits is expected to be issued by \(Wording.minute(finish)) UTC.")
    }
    return notes
  }

  /// One sentence that tells how it stands; also the mail's subject.
  public static func headline(_ report: CustomerReport) -> String {
    guard !report.rows.isEmpty else { return "\(report.name): no certificates are wanted" }
    return
      "\(report.name): \(Wording.grouped(report.done)) of \(Wording.count(report.rows.count, "certificate")) served"
      + (report.unseen > 0 ? ", \(Wording.grouped(report.unseen)) could not be looked at" : "")
      + (report.failing > 0 ? ", \(Wording.grouped(report.failing)) failing" : "")
  }

}
