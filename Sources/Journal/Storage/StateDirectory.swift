import Foundation
import Glibc

/// The directory that holds the journal, private to its owner.
struct StateDirectory: Sendable {
  let path: String

  /// The database.
  var journal: String { path + "/journal.sqlite" }
  /// Held for the moments in which tables are made or changed.
  var openingLock: String { path + "/opening.lock" }
  /// Held as long as a sweep runs.
  var sweepLock: String { path + "/sweep.lock" }

  /// Makes the directory where it is missing, with mode 0700, and sees that it can be written.
  ///
  /// The mode of a directory that was there is tightened only if it is ours alone: empty, or already holding a journal. Any other may
  /// be a home or `/tmp`, which certfleet must not lock up; the files themselves are 0600 everywhere.
  func prepare() throws(JournalError) {
    var status = stat()
    if stat(path, &status) != 0 {
      guard errno == ENOENT else { throw .system(path: path, detail: Self.errorText(errno)) }
      try create()
    } else if status.st_mode & S_IFMT != S_IFDIR {
      throw .notADirectory(path: path)
    } else if status.st_mode & 0o077 != 0, status.st_uid == geteuid(), isOurs {
      guard chmod(path, 0o700) == 0 else { throw .system(path: path, detail: Self.errorText(errno)) }
    }
    guard access(path, W_OK | X_OK) == 0 else {
      switch errno {
      case EACCES, EPERM, EROFS: throw .readOnly(path: path)
      default: throw .system(path: path, detail: Self.errorText(errno))
      }
    }
  }

  /// An empty file is a new database to SQLite, and its write-ahead log takes over the mode that is set here.
  func createJournalFile() throws(JournalError) {
    let descriptor = Glibc.open(journal, O_WRONLY | O_CREAT | O_CLOEXEC, 0o600)
    guard descriptor >= 0 else {
      switch errno {
      case EACCES, EPERM, EROFS: throw .readOnly(path: journal)
      case ENOSPC, EDQUOT: throw .diskFull(path: journal)
      default: throw .system(path: journal, detail: Self.errorText(errno))
      }
    }
    fchmod(descriptor, 0o600)
    close(descriptor)
  }

  /// Whether a journal is there; an error if the path is no directory.
  func hasJournal() throws(JournalError) -> Bool {
    var status = stat()
    if stat(path, &status) == 0, status.st_mode & S_IFMT != S_IFDIR { throw .notADirectory(path: path) }
    return stat(journal, &status) == 0 && status.st_size > 0
  }

  private var isOurs: Bool {
    do {
      let entries = try FileManager.default.contentsOfDirectory(atPath: path)
      return entries.isEmpty || entries.contains("journal.sqlite")
    } catch {
      return false
    }
  }

  private func create() throws(JournalError) {
    do {
      try FileManager.default.createDirectory(
        atPath: path, withIntermediateDirectories: true, attributes: [.posixPermissions: 0o700])
    } catch {
      throw errno == EACCES || errno == EROFS
        ? .readOnly(path: path) : .system(path: path, detail: "cannot be made: \(error.localizedDescription)")
    }
    // createDirectory's mode passes through the umask.
    guard chmod(path, 0o700) == 0 else { throw .system(path: path, detail: Self.errorText(errno)) }
  }

  static func errorText(_ code: Int32) -> String { String(cString: strerror(code)) }
}
