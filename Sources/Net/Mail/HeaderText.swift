import Foundation

/// Text in the headers of a mail. libcurl neither encodes nor checks them.
enum HeaderText {
  /// RFC 2047: as it is where that is safe, in encoded words of UTF-8 and base64 otherwise.
  static func encoded(_ text: String) -> String {
    let isPlain = text.utf8.allSatisfy { $0 >= 0x20 && $0 < 0x7F }
    // "=?" would be read as an encoded word; a long line has to be folded, which encoded words do anywhere. Spaces at the
    // ends would be lost in folding.
    let isSafe = !text.contains("=?") && text.utf8.count <= 66 && text.first != " " && text.last != " "
    if isPlain && isSafe { return text }
    // 39 bytes make 52 characters of base64, 64 with the frame: a line of at most 76 with "Subject: " before it.
    // Cut between scalars: a word holds whole characters (RFC 2047 §5).
    var words: [[UInt8]] = [[]]
    for scalar in text.unicodeScalars {
      let bytes = Array(String(scalar).utf8)
      if words[words.count - 1].count + bytes.count > 39 { words.append([]) }
      words[words.count - 1] += bytes
    }
    return words.map { "=?utf-8?B?\(Data($0).base64EncodedString())?=" }.joined(separator: "\r\n ")
  }

  /// A name before an address.
  static func phrase(_ text: String) -> String {
    let encoded = encoded(text)
    guard encoded == text else { return encoded }
    let escaped = text.replacing("\\", with: "\\\\").replacing("\"", with: "\\\"")
    return "\"\(escaped)\""
  }

  /// A parameter of a header: as a quoted string, and by RFC 2231 where that cannot say it.
  static func parameter(_ name: String, _ value: String) -> String {
    let isPlain = value.utf8.allSatisfy { $0 >= 0x20 && $0 < 0x7F && $0 != 0x22 && $0 != 0x5C }
    if isPlain { return "\(name)=\"\(value)\"" }
    let bytes = value.utf8.map { byte in
      let isWord =
        (0x30...0x39).contains(byte) || (0x41...0x5A).contains(byte) || (0x61...0x7A).contains(byte)
        || [0x2D, 0x2E, 0x5F].contains(byte)
      return isWord ? String(UnicodeScalar(byte)) : "%" + hex(byte)
    }
    return "\(name)*=utf-8''\(bytes.joined())"
  }

  /// RFC 5322 §3.3, in UTC.
  static func date(_ date: Date) -> String {
    // Never the machine's calendar, time zone or language.
    var calendar = Calendar(identifier: .gregorian)
    calendar.timeZone = .gmt
    let parts = calendar.dateComponents([.year, .month, .day, .hour, .minute, .second, .weekday], from: date)
    let days = ["Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"]
    let months = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"]
    let time = [parts.hour, parts.minute, parts.second].map { twoDigits($0 ?? 0) }.joined(separator: ":")
    let day = "\(days[(parts.weekday ?? 1) - 1]), \(parts.day ?? 1) \(months[(parts.month ?? 1) - 1])"
    return "\(day) \(parts.year ?? 0) \(time) +0000"
  }

  static func hex(_ byte: UInt8) -> String {
    let text = String(byte, radix: 16, uppercase: true)
    return text.utf8.count == 1 ? "0" + text : text
  }

  private static func twoDigits(_ number: Int) -> String { number < 10 ? "0\(number)" : "\(number)" }
}
