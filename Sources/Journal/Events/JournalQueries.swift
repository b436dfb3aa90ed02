import Fleet
import GRDB

/// Questions about the rows of the journal that hold inside a transaction as well as outside.
struct JournalQueries {
  let database: Database

  func head() throws -> ChainHead {
    let statement = try database.cachedStatement(
      sql: "SELECT sequence, hash FROM event ORDER BY sequence DESC LIMIT 1")
    return try Row.fetchCursor(statement).first(of: "event") { reader in
      ChainHead(sequence: try reader.number(), hash: try reader.bytes())
    } ?? .empty
  }
}
