import Foundation

/// How values are written into text columns: JSON with sorted keys, so that the same value is always the same bytes.
enum JournalText {
  private static let encoder: JSONEncoder = {
    let encoder = JSONEncoder()
    encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
    encoder.dateEncodingStrategy = .custom { date, encoder in
      var container = encoder.singleValueContainer()
      try container.encode(JournalTime.seconds(date))
    }
    return encoder
  }()

  private static let decoder: JSONDecoder = {
    let decoder = JSONDecoder()
    decoder.dateDecodingStrategy = .custom { decoder in
      let container = try decoder.singleValueContainer()
      let seconds = try container.decode(Int64.self)
      guard JournalTime.years.contains(seconds) else {
        throw DecodingError.dataCorruptedError(in: container, debugDescription: "\(seconds) is no moment")
      }
      return JournalTime.date(seconds)
    }
    return decoder
  }()

  static func encode(_ value: some Encodable, table: String) throws(JournalError) -> String {
    do {
      return String(decoding: try encoder.encode(value), as: UTF8.self)
    } catch {
      throw .unreadable(table: table, detail: "\(error)")
    }
  }

  static func decode<Value: Decodable>(
    _ type: Value.Type, _ bytes: some Sequence<UInt8>, table: String
  ) throws(JournalError) -> Value {
    do {
      return try decoder.decode(type, from: Data(bytes))
    } catch {
      throw .unreadable(table: table, detail: "\(error)")
    }
  }

  static func decode<Value: Decodable>(_ type: Value.Type, _ text: String, table: String) throws(JournalError) -> Value
  {
    try decode(type, text.utf8, table: table)
  }
}

/// Whole seconds since 1970, UTC; what lies between is cut off, towards the past.
enum JournalTime {
  static func seconds(_ date: Date) -> Int64 {
    let seconds = date.timeIntervalSince1970.rounded(.down)
    return Int64(exactly: seconds) ?? (seconds > 0 ? years.upperBound : years.lowerBound)
  }
  /// From the year 1 to 9999: anything else is damage, and calendars do not like it.
  static let years: ClosedRange<Int64> = -62_135_596_800...253_402_300_799
  static func date(_ seconds: Int64) -> Date { Date(timeIntervalSince1970: Double(seconds)) }
}
