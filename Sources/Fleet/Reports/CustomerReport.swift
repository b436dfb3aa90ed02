public import Foundation

/// The progress of one customer: done, due, failing and why. It holds nothing of other customers and no names of our machines.
public struct CustomerReport: Sendable, Equatable, Codable {
  /// Whose.
  public var customer: CustomerID
  /// The name as it is printed.
  public var name: String
  /// When it was made.
  public var at: Date
  /// Certificates served by the load balancer.
  public var done: Int
  /// Served ones that are due for renewal within 14 days.
  public var dueSoon: Int
  /// Waiting or issued but not served yet.
  public var waiting: Int
  /// Failing.
  public var failing: Int
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
      var row = CertificateRow(certificate, in: state, pair: pair, sweep: nil)
      row.hold(
        certificate, held, pair: pair, isPaused: state.pairs[certificate.spec.pair]?.isPaused == true, at: now)
      return Self.withoutInternals(row)
    }
    done = rows.count { $0.standing == .served }
    dueSoon = rows.count { row in
      row.standing == .served && row.dueAt.map { $0 < now.addingTimeInterval(14 * 86_400) } == true
    }
    waiting = rows.count { $0.standing == .waiting || $0.standing == .issued }
    failing = rows.count { $0.standing == .failing }
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
    var table = TextTable(">certificates", ">served", ">due within 14 days", ">waiting", ">failing", "next expiry")
    table.add(
      Wording.grouped(report.rows.count), Wording.grouped(report.done), Wording.grouped(report.dueSoon),
      Wording.grouped(report.waiting), Wording.grouped(report.failing), report.nextExpiry.map(Wording.day) ?? "-")
    lines += table.lines
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
          + HTMLPage.tile(report.dueSoon, "due within 14 days", colour: "#1c2733")
          + HTMLPage.tile(report.waiting, "waiting", colour: "#8a6100")
          + HTMLPage.tile(report.failing, "failing", colour: report.failing == 0 ? "#9aa5b1" : "#b3261e")
      ]),
    ]
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

  /// One sentence that tells how it stands; also the mail's subject.
  public static func headline(_ report: CustomerReport) -> String {
    "\(report.name): \(Wording.grouped(report.done)) of \(Wording.count(report.rows.count, "certificate")) served"
      + (report.failing > 0 ? ", \(Wording.grouped(report.failing)) failing" : "")
  }

}
