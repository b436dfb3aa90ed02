public import Foundation

/// How moments, spans and numbers are put into words, the same in the terminal, in mails and in tables.
public enum Wording {
  /// `2026-11-23 05:40`, UTC; the surrounding text says that it is UTC.
  public static func minute(_ date: Date) -> String {
    let text = date.formatted(.iso8601)
    return String(text.prefix(16)).replacing("T", with: " ")
  }

  /// `2026-11-23`.
  public static func day(_ date: Date) -> String { String(date.formatted(.iso8601).prefix(10)) }

  /// `3 d 4 h`, `2 h 5 min`, `4 min 10 s`, `12 s`: the two largest units.
  public static func span(_ seconds: Double) -> String {
    let total = max(0, Int(seconds.rounded()))
    let units = [("d", total / 86_400), ("h", total / 3_600 % 24), ("min", total / 60 % 60), ("s", total % 60)]
    guard let first = units.firstIndex(where: { $0.1 > 0 }) else { return "0 s" }
    return units[first...].prefix(2).filter { $0.1 > 0 }.map { "\($0.1) \($0.0)" }.joined(separator: " ")
  }

  /// `0.35 s`, `4.2 s`, `22 s`.
  public static func seconds(_ milliseconds: Int) -> String {
    switch milliseconds {
    case ..<1_000:
      let hundredths = String(max(0, milliseconds) / 10)
      return "0." + String(repeating: "0", count: 2 - hundredths.count) + hundredths + " s"
    case ..<10_000: return "\(milliseconds / 1_000).\(milliseconds / 100 % 10) s"
    default: return "\(grouped(milliseconds / 1_000)) s"
    }
  }

  /// `1 certificate`, `2 certificates`.
  public static func count(_ number: Int, _ noun: String, _ plural: String? = nil) -> String {
    "\(grouped(number)) \(number == 1 ? noun : plural ?? noun + "s")"
  }

  /// Above the nodes whose reload left no trace.
  static let unconfirmedTitle = "Reloads that nothing confirmed"

  /// What to do about them; the same in reports and on the screen.
  public static let unconfirmedAdvice = """
    Write `log:` of stunnel or a `probe:` address of the node into the inventory. Should the reload have been refused, the node goes on with \
    the old certificates until they expire.
    """

  /// With a capital letter, as a heading begins.
  public static func sentence(_ text: String) -> String { text.prefix(1).uppercased() + text.dropFirst() }

  /// `12,345`.
  public static func grouped(_ number: Int) -> String {
    let digits = String(number.magnitude)
    var out = ""
    for (index, digit) in digits.enumerated() {
      if index > 0, (digits.count - index) % 3 == 0 { out.append(",") }
      out.append(digit)
    }
    return number < 0 ? "-" + out : out
  }
}
