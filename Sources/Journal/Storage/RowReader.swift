import Fleet
import Foundation
import GRDB

/// Reads the columns of a row from left to right. The row MUST come straight from a cursor: a copied row has already lost what stands behind a NUL.
struct RowReader {
  private let row: Row
  private let table: String
  private var index = 0

  init(_ row: Row, table: String) {
    self.row = row
    self.table = table
  }

  /// Empty where there is none: an attempt that has no key yet has neither node nor request.
  mutating func text() throws(JournalError) -> String {
    try optionalText() ?? ""
  }

  mutating func optionalText() throws(JournalError) -> String? {
    if skipNull() { return nil }
    return String(decoding: try data(), as: UTF8.self)
  }

  mutating func number() throws(JournalError) -> Int64 {
    try demandValue()
    defer { index += 1 }
    return row[index]
  }

  mutating func optionalNumber() throws(JournalError) -> Int64? {
    if skipNull() { return nil }
    return try number()
  }

  mutating func int() throws(JournalError) -> Int { Int(try number()) }

  mutating func date() throws(JournalError) -> Date {
    let seconds = try number()
    guard JournalTime.years.contains(seconds) else {
      throw unreadable("\(seconds) is no moment of the years 1 to 9999")
    }
    return JournalTime.date(seconds)
  }

  mutating func optionalDate() throws(JournalError) -> Date? {
    if skipNull() { return nil }
    return try date()
  }

  mutating func bytes() throws(JournalError) -> [UInt8] {
    if skipNull() { return [] }
    return [UInt8](try data())
  }

  mutating func id<Subject>() throws(JournalError) -> ID<Subject> { ID(try text()) }

  mutating func optionalID<Subject>() throws(JournalError) -> ID<Subject>? {
    if skipNull() { return nil }
    return try id()
  }

  mutating func texts() throws(JournalError) -> [String] {
    try TextArray.decode([UInt8](try data()), table: table)
  }

  /// GRDB reads a TEXT column's bytes with sqlite3_column_blob and their full length.
  private mutating func data() throws(JournalError) -> Data {
    try demandValue()
    defer { index += 1 }
    return row[index]
  }

  /// GRDB traps where a value is asked of a NULL. The tables forbid it, but not to bytes that were damaged on the disk.
  private func demandValue() throws(JournalError) {
    if row.hasNull(atIndex: index) { throw unreadable("column \(index + 1) is empty") }
  }

  mutating func names() throws(JournalError) -> NameSet {
    guard let names = NameSet(try texts()) else { throw unreadable("a name set is empty or too large") }
    return names
  }

  mutating func json<Value: Decodable>(_ type: Value.Type) throws(JournalError) -> Value {
    try JournalText.decode(type, text(), table: table)
  }

  mutating func optionalJSON<Value: Decodable>(_ type: Value.Type) throws(JournalError) -> Value? {
    if skipNull() { return nil }
    return try json(type)
  }

  mutating func choice<Value: RawRepresentable<String>>(_ type: Value.Type) throws(JournalError) -> Value {
    let raw = try text()
    guard let value = Value(rawValue: raw) else { throw unreadable("\(raw) is no \(type)") }
    return value
  }

  mutating func optionalChoice<Value: RawRepresentable<String>>(_ type: Value.Type) throws(JournalError) -> Value? {
    if skipNull() { return nil }
    return try choice(type)
  }

  func unreadable(_ detail: String) -> JournalError { .unreadable(table: table, detail: detail) }

  private mutating func skipNull() -> Bool {
    guard row.hasNull(atIndex: index) else { return false }
    index += 1
    return true
  }
}

extension RowCursor {
  /// Reads the first row, if there is one. The cursor resets its statement when it dies, which empties the row: it is kept until the row was read.
  func first<Value>(of table: String, _ body: (inout RowReader) throws -> Value) throws -> Value? {
    try withExtendedLifetime(self) {
      guard let row = try next() else { return nil }
      var reader = RowReader(row, table: table)
      return try body(&reader)
    }
  }
}

/// A JSON array of strings. Loading 10,000 certificates reads 30,000 of them, so the usual ones, with no escape but `\n`, are read directly
/// and only the others by the JSON decoder.
enum TextArray {
  static func encode(_ texts: [String], table: String) throws(JournalError) -> String {
    try JournalText.encode(texts, table: table)
  }

  static func decode(_ bytes: [UInt8], table: String) throws(JournalError) -> [String] {
    if let texts = simple(bytes) { return texts }
    return try JournalText.decode([String].self, bytes, table: table)
  }

  private static func simple(_ bytes: [UInt8]) -> [String]? {
    guard bytes.count >= 2, bytes[0] == UInt8(ascii: "["), bytes[bytes.count - 1] == UInt8(ascii: "]") else {
      return nil
    }
    let end = bytes.count - 1
    var texts: [String] = []
    var index = 1
    while index < end {
      guard bytes[index] == UInt8(ascii: "\"") else { return nil }
      index += 1
      var text: [UInt8] = []
      text.reserveCapacity(min(end - index, 2_048))
      while index < end, bytes[index] != UInt8(ascii: "\"") {
        if bytes[index] == UInt8(ascii: "\\") {
          guard index + 1 < end, bytes[index + 1] == UInt8(ascii: "n") else { return nil }
          text.append(UInt8(ascii: "\n"))
          index += 2
        } else {
          text.append(bytes[index])
          index += 1
        }
      }
      guard index < end else { return nil }
      texts.append(String(decoding: text, as: UTF8.self))
      index += 1
      guard index == end || bytes[index] == UInt8(ascii: ",") else { return nil }
      index += index == end ? 0 : 1
      if index == end, bytes[index - 1] == UInt8(ascii: ",") { return nil }
    }
    return texts
  }
}
