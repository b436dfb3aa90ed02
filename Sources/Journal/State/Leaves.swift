public import Fleet
import GRDB

extension JournalStore {
  /// The certificate for which this leaf (SHA-256 in hex) was issued, however long ago, and whatever was removed or renamed since; nil for one
  /// that this journal never got.
  public func owner(ofLeaf sha256: String) throws(JournalError) -> SpecID? {
    try read { database in
      try StateTables.leaf.rows(database, at: .text(sha256.lowercased())).first(of: "leaf") { reader in
        _ = try reader.text()
        return try reader.id()
      }
    }
  }

  /// Every leaf that was ever issued for these certificates, the newest first, at most `limit` for each.
  public func leaves(of specs: [SpecID], limit: Int = 64) throws(JournalError) -> [SpecID: [String]] {
    try read { database in
      let statement = try database.cachedStatement(
        sql: "SELECT sha256 FROM leaf WHERE certificate = CAST(? AS TEXT) ORDER BY issued DESC LIMIT ?")
      var found: [SpecID: [String]] = [:]
      for spec in specs {
        found[spec] = try String.fetchAll(statement, arguments: [Cell.text(spec.rawValue).databaseValue, limit])
      }
      return found
    }
  }
}
