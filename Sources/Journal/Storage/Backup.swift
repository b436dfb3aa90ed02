import Foundation
import GRDB
import Glibc

extension JournalStore {
  /// Copies the whole journal, of one moment, into a new file with mode 0600, while others go on writing. The file stands there complete or not at all.
  public func backup(to file: String) throws(JournalError) {
    guard access(file, F_OK) != 0 else {
      throw .system(path: file, detail: "exists already; a backup overwrites nothing")
    }
    let partial = file + ".partial"
    unlink(partial)
    let descriptor = Glibc.open(partial, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0o600)
    guard descriptor >= 0 else { throw .system(path: partial, detail: StateDirectory.errorText(errno)) }
    defer { Glibc.close(descriptor) }
    do throws(JournalError) {
      try withReader { reader in
        let copy = try DatabaseQueue(path: partial)
        try reader.backup(to: copy)
        try copy.writeWithoutTransaction { database in
          // The copy of a journal in WAL mode says so in its header; a backup is one file.
          try database.execute(sql: "PRAGMA journal_mode = DELETE")
          let verdict = try String.fetchOne(database, sql: "PRAGMA quick_check")
          guard verdict == "ok" else { throw JournalError.corrupt(path: partial, detail: verdict ?? "no answer") }
        }
        try copy.close()
      }
      guard fsync(descriptor) == 0, rename(partial, file) == 0 else {
        throw .system(path: file, detail: StateDirectory.errorText(errno))
      }
    } catch {
      unlink(partial)
      throw error
    }
  }
}
