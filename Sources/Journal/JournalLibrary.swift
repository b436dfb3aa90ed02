import GRDB

/// The SQLite that is loaded.
public enum JournalLibrary {
  /// Its version, such as `3.40.1`.
  public static var version: String {
    do {
      return try DatabaseQueue().read { try String.fetchOne($0, sql: "SELECT sqlite_version()") ?? "unknown" }
    } catch {
      return "unknown"
    }
  }
}
