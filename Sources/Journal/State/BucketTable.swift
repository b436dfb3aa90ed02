public import Fleet
import GRDB

/// The ledger's buckets, as they are now. No event carries them: they move in the transaction of the event that moved them.
struct BucketTable {
  let database: Database

  func write(_ buckets: [BucketRow]) throws {
    for bucket in buckets {
      let key = Cell.text(bucket.key.description)
      if bucket.isVoid {
        try StateTables.bucket.delete(database, key: [key])
      } else {
        try StateTables.bucket.upsert(
          database,
          [
            key, .text(bucket.limit.rawValue), .number(bucket.tatMicroseconds),
            .text(try TextArray.encode(bucket.reservations.map(\.rawValue), table: "bucket")),
          ])
      }
    }
  }

  func load() throws -> [BucketRow] {
    var buckets: [BucketRow] = []
    let rows = try StateTables.bucket.rows(database)
    while let row = try rows.next() {
      var reader = RowReader(row, table: "bucket")
      let text = try reader.text()
      guard let key = BucketKey(text) else { throw reader.unreadable("\(text) is no bucket") }
      _ = try reader.text()
      buckets.append(
        BucketRow(
          key: key, tatMicroseconds: try reader.number(), reservations: try reader.texts().map { AttemptID($0) }))
    }
    return buckets
  }
}

extension JournalStore {
  /// The ledger's buckets, by key.
  public func buckets() throws(JournalError) -> [BucketRow] { try read { try BucketTable(database: $0).load() } }
}
