import Foundation

// Dates as they stand in headers and objects, read without a locale.

/// The three forms of RFC 9110 section 5.6.7.
enum HTTPDate {
  private static let months = ["jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"]

  static func date(_ text: String) -> Date? {
    guard text.utf8.count < 64 else { return nil }
    let words = text.split { " ,-".contains($0) }.map { $0.lowercased() }
    // "Sun 06 Nov 1994 08:49:37 GMT", "Sunday 06 Nov 94 08:49:37 GMT", "Sun Nov 6 08:49:37 1994"
    if words.count == 6, words[5] == "gmt" || words[5] == "utc" {
      return date(year: words[3], month: words[2], day: words[1], time: words[4])
    }
    if words.count == 5 { return date(year: words[4], month: words[1], day: words[2], time: words[3]) }
    return nil
  }

  private static func date(year: String, month: String, day: String, time: String) -> Date? {
    let clock = time.split(separator: ":").compactMap { Int32($0) }
    guard var year = Int32(year), let month = months.firstIndex(of: month), let day = Int32(day), clock.count == 3,
      (1...31).contains(day), (0...23).contains(clock[0]), (0...59).contains(clock[1]), (0...60).contains(clock[2]),
      (0...9_999).contains(year)
    else { return nil }
    // Two digits: all such servers live in this century.
    if year < 100 { year += 2_000 }
    return UTC.date(year: year, month: Int32(month) + 1, day: day, hour: clock[0], minute: clock[1], second: clock[2])
  }
}

/// RFC 3339 as ACME objects use it, with or without fraction, any offset.
enum RFC3339 {
  static func date(_ text: String) -> Date? {
    let bytes = Array(text.utf8)
    guard (20...64).contains(bytes.count) else { return nil }
    func number(_ range: Range<Int>) -> Int32? {
      guard range.upperBound <= bytes.count, bytes[range].allSatisfy({ (0x30...0x39).contains($0) }) else { return nil }
      return bytes[range].reduce(0) { $0 * 10 + Int32($1 - 0x30) }
    }
    guard let year = number(0..<4), let month = number(5..<7), let day = number(8..<10), let hour = number(11..<13),
      let minute = number(14..<16), let second = number(17..<19), (1...12).contains(month), (1...31).contains(day),
      hour < 24, minute < 60, second <= 60
    else { return nil }
    var rest = 19
    var fraction = 0.0
    if bytes[rest] == UInt8(ascii: ".") {
      var unit = 0.1
      rest += 1
      while rest < bytes.count, (0x30...0x39).contains(bytes[rest]) {
        fraction += Double(bytes[rest] - 0x30) * unit
        unit /= 10
        rest += 1
      }
    }
    guard rest < bytes.count else { return nil }
    var offset: Int32 = 0
    switch bytes[rest] {
    case UInt8(ascii: "Z"), UInt8(ascii: "z"):
      guard rest + 1 == bytes.count else { return nil }
    case UInt8(ascii: "+"), UInt8(ascii: "-"):
      guard bytes.count == rest + 6, let hours = number(rest + 1..<rest + 3), let minutes = number(rest + 4..<rest + 6)
      else { return nil }
      offset = (hours * 60 + minutes) * (bytes[rest] == UInt8(ascii: "-") ? -60 : 60)
    default: return nil
    }
    return UTC.date(year: year, month: month, day: day, hour: hour, minute: minute, second: second)
      .addingTimeInterval(fraction - Double(offset))
  }
}

/// A date from its parts.
private enum UTC {
  static func date(year: Int32, month: Int32, day: Int32, hour: Int32, minute: Int32, second: Int32) -> Date {
    var parts = tm()
    parts.tm_year = year - 1_900
    parts.tm_mon = month - 1
    parts.tm_mday = day
    parts.tm_hour = hour
    parts.tm_min = minute
    parts.tm_sec = second
    return Date(timeIntervalSince1970: TimeInterval(timegm(&parts)))
  }
}
