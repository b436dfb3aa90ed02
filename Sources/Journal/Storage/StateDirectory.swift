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
    if lstat(path, &status) != 0 {
      guard errno == ENOENT else { throw .system(path: path, detail: Self.errorText(errno)) }
      try create()
    } else {
      // Nothing can have been put into an empty one yet: a directory made with a loose umask needs no words.
      if status.st_mode & S_IFMT == S_IFDIR, status.st_uid == geteuid(), isEmpty, chmod(path, 0o700) == 0 {
        status.st_mode &= ~0o077
      }
      status = try trusted(status)
      if status.st_mode & 0o077 != 0, status.st_uid == geteuid(), isOurs {
        guard chmod(path, 0o700) == 0 else { throw .system(path: path, detail: Self.errorText(errno)) }
      }
    }
    guard access(path, W_OK | X_OK) == 0 else {
      switch errno {
      case EACCES, EPERM, EROFS: throw .readOnly(path: path)
      default: throw .system(path: path, detail: Self.errorText(errno))
      }
    }
    try checkFiles()
  }

  /// An empty file is a new database to SQLite, and its write-ahead log takes over the mode that is set here.
  func createJournalFile() throws(JournalError) {
    let descriptor = try OwnFile.open(journal, O_WRONLY | O_CREAT)
    fchmod(descriptor, 0o600)
    close(descriptor)
  }

  /// Whether a journal is there; an error if the path is no directory, or what lies there is not to be trusted.
  func hasJournal() throws(JournalError) -> Bool {
    var status = stat()
    guard lstat(path, &status) == 0 else { return false }
    _ = try trusted(status)
    try checkFiles()
    return stat(journal, &status) == 0 && status.st_size > 0
  }

  /// Refuses a directory of somebody else, and one in which others may put files and links. A link to one is followed where we or root made it:
  /// that is how a directory is moved to another disk.
  private func trusted(_ seen: stat) throws(JournalError) -> stat {
    var status = seen
    if status.st_mode & S_IFMT == S_IFLNK {
      if let why = OwnFile.foreign(status.st_uid) { throw .untrusted(path: path, detail: "it is a link, and \(why)") }
      guard stat(path, &status) == 0 else { throw .system(path: path, detail: Self.errorText(errno)) }
    }
    guard status.st_mode & S_IFMT == S_IFDIR else { throw .notADirectory(path: path) }
    if let why = OwnFile.foreign(status.st_uid) { throw .untrusted(path: path, detail: why) }
    // Also a directory like /tmp, where the sticky bit keeps files but not names that are still free.
    guard status.st_mode & 0o022 == 0 else {
      throw .untrusted(
        path: path,
        detail: "others may put files into it; see that all in it is what you left there, then: chmod 700 \(path)")
    }
    return status
  }

  private func checkFiles() throws(JournalError) {
    for file in [journal, journal + "-wal", journal + "-shm", openingLock, sweepLock] { try OwnFile.check(file) }
  }

  private var isOurs: Bool { entries?.contains("journal.sqlite") ?? false }

  private var isEmpty: Bool { entries?.isEmpty ?? false }

  private var entries: [String]? {
    do {
      return try FileManager.default.contentsOfDirectory(atPath: path)
    } catch {
      return nil
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
