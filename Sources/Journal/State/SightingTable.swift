public import Fleet
public import Foundation
import GRDB

/// What each place was last seen to show. No event: a look that finds nothing new changes nothing, and thirty thousand of them a night would bury
/// what happened.
enum SightingTable {
  static let table = Table("sighting", key: 2, "certificate place verdict detail at#")

  static let sql = """
    CREATE TABLE sighting (
      certificate TEXT NOT NULL,
      place TEXT NOT NULL,
      verdict TEXT NOT NULL CHECK (verdict IN ('same', 'differs', 'unclear')),
      detail TEXT NOT NULL,
      at INTEGER NOT NULL,
      PRIMARY KEY (certificate, place)
    ) STRICT, WITHOUT ROWID;
    CREATE INDEX sighting_by_age ON sighting (at);
    """

  static func load(_ database: Database) throws -> [Sighting] {
    var sightings: [Sighting] = []
    let rows = try table.rows(database)
    while let row = try rows.next() {
      var reader = RowReader(row, table: table.name)
      sightings.append(
        Sighting(
          spec: try reader.id(), place: DriftPlace(rawValue: try reader.text()),
          verdict: try reader.choice(Sighting.Verdict.self), detail: try reader.text(), at: try reader.date()))
    }
    return sightings
  }
}

extension JournalStore {
  /// What nobody saw for 90 days is no longer wanted, or of a node that is gone.
  private static let sightingSeconds: Int64 = 90 * 86_400

  /// Keeps what was seen of a pair, in place of what was seen before: one transaction.
  public func keep(_ sightings: [Sighting], at now: Date) async throws(JournalError) {
    guard !sightings.isEmpty else { return }
    try await write { database in
      for seen in sightings {
        try SightingTable.table.upsert(
          database,
          [
            .text(seen.spec.rawValue), .text(seen.place.rawValue), .text(seen.verdict.rawValue), .text(seen.detail),
            Cell(seen.at),
          ])
      }
      try database.execute(
        sql: "DELETE FROM sighting WHERE at < ?", arguments: [JournalTime.seconds(now) - Self.sightingSeconds])
    }
  }

  /// What was last seen of each certificate, by certificate.
  public func sightings() throws(JournalError) -> [SpecID: [Sighting]] {
    Dictionary(grouping: try read { try SightingTable.load($0) }, by: \.spec)
  }
}
