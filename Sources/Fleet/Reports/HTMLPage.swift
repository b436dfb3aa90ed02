/// The frame of every HTML report: one column that a phone can read, styles inline because mail programs drop style sheets.
enum HTMLPage {
  static func page(title: String, body: [String]) -> String {
    """
    <!DOCTYPE html>
    <html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1"><meta name="color-scheme" content="light">
    <title>\(Printable.html(title))</title></head>
    <body style="margin:0;background:#f4f5f7;color:#1c2733;font:16px/1.45 -apple-system,'Segoe UI',Roboto,Helvetica,Arial,sans-serif">
    <div style="max-width:680px;margin:0 auto;padding:16px;overflow-wrap:anywhere">
    \(body.joined(separator: "\n"))
    </div></body></html>

    """
  }

  static func title(_ text: String) -> String {
    "<h1 style=\"font-size:20px;line-height:1.3;margin:4px 0 12px\">\(Printable.html(text))</h1>"
  }

  static func card(_ content: [String], accent: String = "#d5dae1") -> String {
    "<div style=\"background:#fff;border-radius:8px;border-left:4px solid \(accent);padding:12px 16px;margin:0 0 12px\">\n"
      + content.joined(separator: "\n") + "\n</div>"
  }

  /// A card about something that is not well: who has to act stands above it in words, for those who cannot tell red from amber.
  static func card(for loudness: Loudness, _ content: [String]) -> String {
    let (who, colour) = owner(loudness)
    let label =
      "<div style=\"font-size:12px;letter-spacing:.04em;text-transform:uppercase;color:\(colour);margin:0 0 2px\">\(who)</div>"
    return card([label] + content, accent: colour)
  }

  private static func owner(_ loudness: Loudness) -> (who: String, colour: String) {
    switch loudness {
    case .operatorNeeded: ("Needs an operator", "#b3261e")
    case .customer: ("For the customer to mend", "#8a5a00")
    case .quiet: ("Passes by itself", "#5b6878")
    }
  }

  static func heading(_ text: String) -> String {
    "<h2 style=\"font-size:17px;line-height:1.3;margin:0 0 6px\">\(Printable.html(Wording.sentence(text)))</h2>"
  }

  static func paragraph(_ text: String, muted: Bool = false) -> String {
    "<p style=\"margin:4px 0\(muted ? ";color:#5b6878;font-size:14px" : "")\">\(Printable.html(text))</p>"
  }

  /// A number with its word under it; five stand side by side on a phone of 390 points.
  static func tile(_ number: Int, _ word: String, colour: String) -> String {
    let style = "display:inline-block;vertical-align:top;min-width:58px;max-width:84px;margin:0 6px 8px 0"
    return "<div style=\"\(style)\"><div style=\"font-size:26px;font-weight:600;color:\(colour)\">"
      + "\(Wording.grouped(number))</div><div style=\"color:#5b6878;font-size:13px\">\(Printable.html(word))</div></div>"
  }

  static func table(head: [String], rows: [[String]], numbersFrom firstNumber: Int) -> String {
    // Words of a column stay whole; five short columns fit a phone.
    func cells(_ tag: String, _ texts: [String], _ style: String) -> String {
      texts.enumerated().map { index, text in
        let side = index >= firstNumber ? "right" : "left"
        let wrap = tag == "td" && index >= firstNumber ? "white-space:nowrap;" : ""
        let style = "text-align:\(side);padding:4px 5px;overflow-wrap:normal;\(wrap)\(style)"
        return "<\(tag) style=\"\(style)\">\(Printable.html(text))</\(tag)>"
      }.joined()
    }
    return "<div style=\"overflow-x:auto\"><table style=\"border-collapse:collapse;width:100%;font-size:14px\"><tr>"
      + cells("th", head, "color:#5b6878;font-weight:500;border-bottom:1px solid #d5dae1") + "</tr>"
      + rows.map { "<tr>" + cells("td", $0, "border-bottom:1px solid #eef0f3") + "</tr>" }.joined(separator: "\n")
      + "</table></div>"
  }

  /// A list of certificates under their cause, the first few in full.
  static func certificates(_ rows: [CertificateRow], shown: Int, showsPair: Bool) -> [String] {
    var lines = rows.prefix(shown).map { row in
      let since = row.failingSince.map { "since \(Wording.minute($0)) UTC" }
      let safe = row.servedNotAfter.map { "served until \(Wording.day($0))" }
      let notes = [showsPair ? row.pair.rawValue : nil, since, safe].compactMap(\.self).joined(separator: " · ")
      let detail = row.cause.map(\.detail).flatMap { $0.isEmpty ? nil : $0 }
      return
        "<div style=\"margin:8px 0 0\"><b>\(Printable.html(SweepReportText.name(of: row)))</b>"
        + " <span style=\"color:#5b6878;font-size:13px\">\(Printable.html(notes))</span>"
        + (detail.map { "<div style=\"color:#5b6878;font-size:13px\">\(Printable.html($0))</div>" } ?? "") + "</div>"
    }
    if rows.count > shown {
      lines.append(
        paragraph("and \(Wording.grouped(rows.count - shown)) more; all are in the attached CSV", muted: true))
    }
    return lines
  }
}
