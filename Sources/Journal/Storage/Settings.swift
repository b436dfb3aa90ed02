import GRDB

extension JournalStore {
  /// What was remembered under this name outside the journal; nil if nothing was.
  public func setting(_ name: String) throws(JournalError) -> String? {
    try read { database in
      try Self.settings.rows(database, at: .text(name)).first(of: "setting") { reader in
        _ = try reader.text()
        return try reader.text()
      }
    }
  }

  /// Remembers a value that is no event, such as when a list was last looked at.
  public func set(_ name: String, to value: String) async throws(JournalError) {
    try await write { try Self.settings.upsert($0, [.text(name), .text(value)]) }
  }

  private static let settings = Table("setting", "name value")
}
