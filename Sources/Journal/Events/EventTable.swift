import Fleet
import GRDB

/// The rows of the journal themselves.
enum EventTable {
  static let columns = "sequence, at, sweep, kind, body, hash"

  static func insert(_ database: Database, _ link: ChainLink, kind: String, hash: [UInt8]) throws {
    let cells: [Cell] = [
      .number(link.sequence), .number(link.at), Cell(link.sweep), .text(kind), .text(link.body), .bytes(hash),
    ]
    try database.cachedStatement(
      sql: """
        INSERT INTO event (\(columns)) VALUES (?, ?, CAST(? AS TEXT), CAST(? AS TEXT), CAST(? AS TEXT), ?)
        """
    ).execute(arguments: StatementArguments(cells.map(\.databaseValue)))
  }

  /// Walks through rows in order; `condition` is SQL of ours with `?` for the arguments.
  static func each(
    _ database: Database, where condition: String = "TRUE", _ arguments: [Cell] = [],
    _ body: (StoredEvent) throws -> Void
  ) throws {
    let statement = try database.cachedStatement(
      sql: "SELECT \(columns) FROM event WHERE \(condition) ORDER BY sequence")
    let rows = try Row.fetchCursor(statement, arguments: StatementArguments(arguments.map(\.databaseValue)))
    while let row = try rows.next() {
      var reader = RowReader(row, table: "event")
      try body(try StoredEvent(&reader))
    }
  }

  static func records(
    _ database: Database, where condition: String, _ arguments: [Cell]
  ) throws -> [Fleet.Record] {
    var records: [Fleet.Record] = []
    try each(database, where: condition, arguments) { records.append(try $0.record()) }
    return records
  }
}

/// A row of the journal as it lies there.
struct StoredEvent {
  let link: ChainLink
  let kind: String
  let hash: [UInt8]

  init(_ reader: inout RowReader) throws(JournalError) {
    let sequence = try reader.number()
    let at = try reader.number()
    let sweep = try reader.optionalText()
    kind = try reader.text()
    link = ChainLink(sequence: sequence, at: at, sweep: sweep, body: try reader.text())
    hash = try reader.bytes()
  }

  func record() throws(JournalError) -> Fleet.Record {
    Fleet.Record(
      sequence: link.sequence, at: JournalTime.date(link.at), sweep: link.sweep.map { SweepID($0) },
      event: try JournalText.decode(Event.self, link.body, table: "event \(link.sequence)"))
  }
}
