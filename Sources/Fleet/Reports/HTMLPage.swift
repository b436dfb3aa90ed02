/// The frame of every HTML report: one column that a phone can read, styles inline because mail programs drop style sheets.
enum HTMLPage {
  static func page(title: String, body: [String]) -> String {
    """
    <!DOCTYPE html>
    <html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">
    <title>\(Printable.html(title))</title></head>
    <body style="margin:0;background:#f4f5f7;color:#1c2733;font:16px/1.45 -apple-system,'Segoe UI',Roboto,Helvetica,Arial,sans-serif">
    <div style="max-width:680px;margin:0 auto;padding:16px">
    \(body.joined(separator: "\n"))
    </div></body></html>

    """
  }

  static func card(_ content: [String], accent: String = "#d5dae1") -> String {
    "<div style=\"background:#fff;border-radius:8px;border-left:4px solid \(accent);padding:12px 16px;margin:0 0 12px\">\n"
      + content.joined(separator: "\n") + "\n</div>"
  }

  static func heading(_ text: String) -> String {
    "<h2 style=\"font-size:17px;margin:0 0 6px\">\(Printable.html(text))</h2>"
  }

  static func paragraph(_ text: String, muted: Bool = false) -> String {
    "<p style=\"margin:4px 0\(muted ? ";color:#5b6878;font-size:14px" : "")\">\(Printable.html(text))</p>"
  }

  /// A number with its word under it; they flow into as many rows as the screen needs.
  static func tile(_ number: Int, _ word: String, colour: String) -> String {
    "<div style=\"display:inline-block;min-width:84px;margin:0 12px 8px 0\"><div style=\"font-size:26px;font-weight:600;color:\(colour)\">"
      + "\(Wording.grouped(number))</div><div style=\"color:#5b6878;font-size:13px\">\(Printable.html(word))</div></div>"
  }

  static func table(head: [String], rows: [[String]], numbersFrom firstNumber: Int) -> String {
    func cells(_ tag: String, _ texts: [String], _ style: String) -> String {
      texts.enumerated().map { index, text in
        let side = index >= firstNumber ? "right" : "left"
        return "<\(tag) style=\"text-align:\(side);padding:4px 6px;\(style)\">\(Printable.html(text))</\(tag)>"
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
        "<div style=\"margin:8px 0 0;overflow-wrap:anywhere\"><b>\(Printable.html(SweepReportText.name(of: row)))</b>"
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
