/// Hostile text made fit to print: rows, CAs, DNS and nodes all put words in our mouth (a CA's problem detail quotes the customer's web server).
///
/// One function per place that the text goes to, because what is harmless in one is a command in the next.
public enum Printable {
  /// For terminals, logs and plain mail: one line, control characters and invisible or direction-changing ones by number.
  ///
  /// An ESC in a certificate's subject could otherwise rewrite the operator's screen, and U+202E the reading order of a name.
  public static func terminal(_ text: some StringProtocol) -> String {
    // Most text is plain; the scan is a tenth of the cost of the rewriting.
    if text.utf8.allSatisfy({ (0x20...0x7e).contains($0) }) { return String(text) }
    var shown = ""
    for scalar in text.unicodeScalars {
      if let escape = escape(scalar) { shown += escape } else { shown.unicodeScalars.append(scalar) }
    }
    return shown
  }

  /// For one cell of a CSV file: a leading `= + - @`, tab or CR would be a formula in a spreadsheet (CSV injection), so an apostrophe goes before
  /// it; RFC 4180 quotes around everything that needs them.
  public static func csvCell(_ text: some StringProtocol) -> String {
    var cell = String(text).replacing("\0", with: "")
    // Spreadsheets strip leading blanks before they look for a formula.
    let start = cell.unicodeScalars.first { $0 != " " }
    if let first = cell.unicodeScalars.first,
      "\t\r\n".unicodeScalars.contains(first) || start.map("=+-@＝＋－＠".unicodeScalars.contains) == true
    {
      cell = "'" + cell
    }
    let needsQuotes = cell.unicodeScalars.contains { "\",;\r\n\t'".unicodeScalars.contains($0) } || cell.hasPrefix(" ")
    return needsQuotes ? "\"" + cell.replacing("\"", with: "\"\"") + "\"" : cell
  }

  /// For the text of an HTML element or a quoted attribute.
  public static func html(_ text: some StringProtocol) -> String {
    var shown = ""
    for scalar in text.unicodeScalars {
      switch scalar {
      case "&": shown += "&amp;"
      case "<": shown += "&lt;"
      case ">": shown += "&gt;"
      case "\"": shown += "&quot;"
      case "'": shown += "&#39;"
      case "\n", "\t": shown.unicodeScalars.append(scalar)
      default:
        if let escape = escape(scalar) { shown += escape } else { shown.unicodeScalars.append(scalar) }
      }
    }
    return shown
  }

  /// For a mail or HTTP header: runs of CR, LF and other white space become one space, the rest as on a terminal, so no text can add a header.
  public static func header(_ text: some StringProtocol) -> String {
    terminal(text.split(whereSeparator: \.isWhitespace).joined(separator: " "))
  }

  /// For a JSON document, already encoded: encoders escape C0 only, yet C1 and direction-changing characters act on a terminal, too. They become
  /// `\\u` escapes, which any reader of JSON turns back; outside its strings a document has none.
  public static func json(_ document: some StringProtocol) -> String {
    if document.utf8.allSatisfy({ $0 < 0x7f }) { return String(document) }
    var shown = ""
    for scalar in document.unicodeScalars {
      if scalar.value < 0x7f || escape(scalar) == nil {
        shown.unicodeScalars.append(scalar)
      } else {
        for unit in String(scalar).utf16 { shown += "\\u" + String(0x10000 + Int(unit), radix: 16).dropFirst() }
      }
    }
    return shown
  }

  /// Cuts to `limit` characters and says so.
  public static func short(_ text: some StringProtocol, _ limit: Int = 80) -> String {
    let shown = terminal(text.prefix(limit + 1))
    return shown.count <= limit ? shown : shown.prefix(limit) + "…"
  }

  private static func escape(_ scalar: Unicode.Scalar) -> String? {
    switch scalar.value {
    case 0x20...0x7e: return nil
    case 0x0a: return "\\n"
    case 0x0d: return "\\r"
    case 0x09: return "\\t"
    case ..<0x100 where scalar.value < 0x20 || (0x7f...0x9f).contains(scalar.value) || scalar.value == 0xad:
      return "\\x" + (scalar.value < 16 ? "0" : "") + String(scalar.value, radix: 16)
    default:
      return isInvisible(scalar) ? "\\u{" + String(scalar.value, radix: 16) + "}" : nil
    }
  }

  /// Nothing that a reader could see, or that changes what they see around it: Cf holds the bidi controls, zero-width characters and the BOM.
  private static func isInvisible(_ scalar: Unicode.Scalar) -> Bool {
    switch scalar.properties.generalCategory {
    case .control, .format, .lineSeparator, .paragraphSeparator, .surrogate, .privateUse, .unassigned: true
    case .spaceSeparator: true
    default:
      // Hangul fillers, the Khmer inherent vowels, Mongolian and other variation selectors are letters or marks, yet drawn as nothing.
      scalar.properties.isDefaultIgnorableCodePoint
    }
  }
}
