import Foundation
import GRDB

/// A table as reading, writing and comparing need it: its columns in order, the first of them its key.
struct Table: Sendable {
  enum Kind: Sendable { case text, number, bytes }

  struct Column: Sendable {
    let name: String
    let kind: Kind
  }

  let name: String
  let columns: [Column]
  let keyCount: Int
  /// The columns as SQL, in order.
  let list: String
  private let upsertSQL: String
  private let keyCondition: String

  /// `columns` reads `name` for text, `name#` for whole numbers, `name*` for bytes.
  init(_ name: String, key keyCount: Int = 1, _ columns: String) {
    self.name = name
    self.keyCount = keyCount
    let parsed = columns.split(separator: " ").map { word in
      if word.hasSuffix("#") { return Column(name: String(word.dropLast()), kind: .number) }
      if word.hasSuffix("*") { return Column(name: String(word.dropLast()), kind: .bytes) }
      return Column(name: String(word), kind: .text)
    }
    self.columns = parsed
    let names = parsed.map(\.name)
    let list = names.joined(separator: ", ")
    self.list = list
    let keys = names.prefix(keyCount)
    keyCondition = zip(keys, parsed).map { "\($0) = \(Self.parameter($1))" }.joined(separator: " AND ")
    let changes = names.dropFirst(keyCount).map { "\($0) = excluded.\($0)" }.joined(separator: ", ")
    upsertSQL = """
      INSERT INTO \(name) (\(list)) VALUES (\(parsed.map(Self.parameter).joined(separator: ", "))) \
      ON CONFLICT (\(keys.joined(separator: ", "))) DO \(changes.isEmpty ? "NOTHING" : "UPDATE SET \(changes)")
      """
  }

  /// A text with a NUL, which hostile text may hold, travels as bytes: GRDB binds text up to its first NUL. For any other the cast does nothing.
  private static func parameter(_ column: Column) -> String {
    switch column.kind {
    case .text: "CAST(? AS TEXT)"
    case .number, .bytes: "?"
    }
  }

  func upsert(_ database: Database, _ row: [Cell]) throws {
    try database.cachedStatement(sql: upsertSQL).execute(arguments: StatementArguments(row.map(\.databaseValue)))
  }

  func delete(_ database: Database, key: [Cell]) throws {
    try database.cachedStatement(sql: "DELETE FROM \(name) WHERE \(keyCondition)")
      .execute(arguments: StatementArguments(key.map(\.databaseValue)))
  }

  /// All rows by key.
  func rows(_ database: Database) throws -> RowCursor {
    let keys = columns.prefix(keyCount).map(\.name).joined(separator: ", ")
    return try Row.fetchCursor(database.cachedStatement(sql: "SELECT \(list) FROM \(name) ORDER BY \(keys)"))
  }

  /// The rows whose first key column has this value.
  func rows(_ database: Database, at key: Cell) throws -> RowCursor {
    let statement = try database.cachedStatement(
      sql: "SELECT \(list) FROM \(name) WHERE \(columns[0].name) = \(Self.parameter(columns[0]))")
    return try Row.fetchCursor(statement, arguments: [key.databaseValue])
  }

  /// One row as values, for comparing.
  func cells(_ row: Row) throws(JournalError) -> [Cell] {
    var reader = RowReader(row, table: name)
    var cells: [Cell] = []
    for column in columns {
      switch column.kind {
      case .text: cells.append(Cell(try reader.optionalText()))
      case .number: cells.append(Cell(try reader.optionalNumber()))
      case .bytes: cells.append(.bytes(try reader.bytes()))
      }
    }
    return cells
  }
}

/// One value of a row.
enum Cell: Sendable, Equatable {
  case null
  case number(Int64)
  case text(String)
  case bytes([UInt8])

  init(_ text: String?) { self = text.map(Cell.text) ?? .null }
  init(_ date: Date?) { self = date.map { .number(JournalTime.seconds($0)) } ?? .null }
  init(_ number: Int64?) { self = number.map(Cell.number) ?? .null }

  var databaseValue: DatabaseValue {
    switch self {
    case .null: .null
    case .number(let number): number.databaseValue
    case .text(let text): text.utf8.contains(0) ? Data(text.utf8).databaseValue : text.databaseValue
    case .bytes(let bytes): Data(bytes).databaseValue
    }
  }

  var text: String {
    switch self {
    case .null: "NULL"
    case .number(let number): String(number)
    case .text(let text): text
    case .bytes(let bytes): bytes.map { ($0 < 16 ? "0" : "") + String($0, radix: 16) }.joined()
    }
  }

  /// The order in which SQLite sorts keys: numbers by value, texts by their bytes.
  static func precedes(_ left: [Cell], _ right: [Cell]) -> Bool {
    for (left, right) in zip(left, right) where left != right {
      switch (left, right) {
      case (.number(let left), .number(let right)): return left < right
      case (.text(let left), .text(let right)): return left.utf8.lexicographicallyPrecedes(right.utf8)
      case (.bytes(let left), .bytes(let right)): return left.lexicographicallyPrecedes(right)
      case (.null, _), (.number, _), (.text, _), (.bytes, _): return left.rank < right.rank
      }
    }
    return false
  }

  private var rank: Int {
    switch self {
    case .null: 0
    case .number: 1
    case .text: 2
    case .bytes: 3
    }
  }
}
