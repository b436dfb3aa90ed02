import Foundation

/// The HTML part of the mail: what needs a person first, then causes, then numbers per customer.
public enum SweepReportHTML {
  /// The whole page.
  public static func render(_ report: SweepReport) -> String {
    let headline = SweepReportText.headline(report)
    var body = [HTMLPage.title(headline)]
    if let failing = report.failingAuthority {
      let content = [HTMLPage.heading(failing.title), HTMLPage.paragraph(failing.evidence, muted: true)]
      body.append(
        failing.goesOn
          ? HTMLPage.card(for: .operatorNeeded, content + [HTMLPage.paragraph(failing.advice)]) : HTMLPage.card(content)
      )
    }
    if let clock = report.clock, let title = clock.title {
      let content = [HTMLPage.heading(title)]
      body.append(
        clock.error == nil
          ? HTMLPage.card(content)
          : HTMLPage.card(for: .operatorNeeded, content + [HTMLPage.paragraph(ClockReview.advice)]))
    }
    body.append(tiles(report.total))
    if let inputs = report.inputs {
      body.append(
        HTMLPage.card(
          for: .operatorNeeded,
          [HTMLPage.heading(inputs.title), HTMLPage.paragraph(InputReview.advice)]
            + inputs.lines.map { HTMLPage.paragraph($0, muted: true) }))
    }
    body += report.drift.cards
    if let failure = report.authorityFailure {
      body.append(
        HTMLPage.card(
          for: .operatorNeeded,
          [
            HTMLPage.heading("\(failure.kind.title); nothing could be issued"), HTMLPage.paragraph(failure.kind.advice),
            HTMLPage.paragraph(failure.detail, muted: true),
          ]))
    }
    body += report.troubles.map { trouble($0, at: report.endedAt) }
    body += report.holds.map { note in
      let content =
        [HTMLPage.heading("\(HoldNote.title): \(note.lines[0])")]
        + note.lines.dropFirst().map { HTMLPage.paragraph($0) } + [HTMLPage.paragraph(note.advice, muted: true)]
      return note.needsPerson ? HTMLPage.card(for: .operatorNeeded, content) : HTMLPage.card(content)
    }
    if !report.windows.isEmpty {
      body.append(
        HTMLPage.card([HTMLPage.heading(WindowWait.title)] + report.windows.map { HTMLPage.paragraph($0.text) }))
    }
    body += report.groups.map(group)
    let heldBack = HeldBackLines(report.rows, doubt: report.doubt).lines()
    if !heldBack.isEmpty { body.append(HTMLPage.card(heldBack.map { HTMLPage.paragraph($0) })) }
    let quarantine = QuarantineLines(report.rows).lines
    if !quarantine.isEmpty { body.append(HTMLPage.card(quarantine.map { HTMLPage.paragraph($0) })) }
    body.append(customers(report))
    if !report.lostOrders.isEmpty {
      body.append(
        HTMLPage.card(
          [HTMLPage.heading("Orders lost in a crash: \(report.lostOrders.count)")]
            + report.lostOrders.map { HTMLPage.paragraph("\($0.spec): \($0.detail)", muted: true) }))
    }
    if let note = report.rootNote { body.append(HTMLPage.card([HTMLPage.paragraph("Chain: " + note)])) }
    if !report.limitNotes.isEmpty {
      body.append(
        HTMLPage.card(
          [HTMLPage.heading("Limits of the CA that others use as well")]
            + report.limitNotes.map { HTMLPage.paragraph($0.text, muted: true) }))
    }
    if !report.unconfirmed.isEmpty {
      body.append(
        HTMLPage.card(
          [HTMLPage.heading(Wording.unconfirmedTitle)]
            + report.unconfirmed.map {
              HTMLPage.paragraph("\($0.node): \(Wording.count($0.count, "certificate")); \($0.reason)")
            } + [HTMLPage.paragraph(Wording.unconfirmedAdvice)]))
    }
    let proved = report.weakProofs.filter { $0.level > .unconfirmed }
    if !proved.isEmpty {
      body.append(
        HTMLPage.card(
          [HTMLPage.heading("Proved below the wire")]
            + proved.map {
              HTMLPage.paragraph(
                "\($0.node): \(Wording.count($0.count, "certificate")) by \($0.level.rawValue); \($0.reason)",
                muted: true)
            }))
    }
    if !report.notices.isEmpty {
      body.append(
        HTMLPage.card(
          [HTMLPage.heading("Noticed on the nodes")]
            + report.notices.map { HTMLPage.paragraph("\($0.node): \($0.text)", muted: true) }))
    }
    if !report.removedKeys.isEmpty {
      body.append(HTMLPage.paragraph(RemovedKeys.text(report.removedKeys), muted: true))
    }
    if !report.reloads.isEmpty {
      let hurt = report.reloads.filter { ($0.handshakes?.failed ?? 0) > 0 }.prefix(SweepReportText.shownPerGroup)
      body.append(
        HTMLPage.card(
          [HTMLPage.heading("Reloads")]
            + (SweepReport.NodeReloads.summary(report.reloads) + hurt.map(\.line)).map {
              HTMLPage.paragraph($0, muted: true)
            }))
    }
    if let lines = report.pace?.lines, !lines.isEmpty {
      body.append(HTMLPage.card([HTMLPage.heading("Pace")] + lines.map { HTMLPage.paragraph($0, muted: true) }))
    }
    body.append(
      HTMLPage.paragraph(
        "\(Wording.minute(report.startedAt)) to \(Wording.minute(report.endedAt)) UTC · certfleet run \(report.sweep)",
        muted: true))
    return HTMLPage.page(title: headline, body: body)
  }

  private static func tiles(_ total: SweepReport.CustomerLine) -> String {
    let tiles = [
      (total.issued, "issued", "#1d7a46"), (total.renewed, "renewed", "#1d7a46"), (total.kept, "kept", "#1c2733"),
      (total.waiting, "waiting", "#8a6100"), (total.failed, "failed", "#b3261e"),
    ]
    return HTMLPage.card([tiles.map { HTMLPage.tile($0.0, $0.1, colour: $0.0 == 0 ? "#9aa5b1" : $0.2) }.joined()])
  }

  private static func trouble(_ trouble: SweepReport.Trouble, at now: Date) -> String {
    let place = trouble.node.map { "\($0)" } ?? "\(trouble.pair)"
    let waiting =
      trouble.waiting > 0 ? " · \(Wording.count(trouble.waiting, "certificate waits", "certificates wait"))" : ""
    return HTMLPage.card(
      for: .operatorNeeded,
      [
        HTMLPage.heading("\(trouble.failure.kind.title): \(place)\(waiting)"),
        HTMLPage.paragraph(trouble.failure.kind.advice), HTMLPage.paragraph(trouble.failure.detail, muted: true),
      ] + [trouble.safety(at: now)].compactMap(\.self).map { HTMLPage.paragraph($0, muted: true) })
  }

  private static func group(_ group: FailureGroup) -> String {
    let new = group.newCount > 0 ? " (\(group.newCount) new)" : ""
    return HTMLPage.card(
      for: group.kind.loudness,
      [
        HTMLPage.heading("\(group.title): \(Wording.count(group.rows.count, "certificate"))\(new)"),
        HTMLPage.paragraph(group.advice),
      ] + HTMLPage.certificates(group.rows, shown: SweepReportText.shownPerGroup, showsPair: true))
  }

  private static func customers(_ report: SweepReport) -> String {
    let rows = report.customers.map { line in
      [
        line.name, Wording.grouped(line.served), Wording.grouped(line.waiting),
        Wording.grouped(line.failed), line.nextExpiry.map(Wording.day) ?? "-",
      ]
    }
    return HTMLPage.card([
      HTMLPage.heading("Customers"),
      HTMLPage.table(
        head: ["customer", "served", "waiting", "failed", "next expiry"], rows: rows, numbersFrom: 1),
    ])
  }
}
