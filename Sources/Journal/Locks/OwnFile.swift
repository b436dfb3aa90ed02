import Glibc

/// What lies in the state directory already is looked at before it is used: a link, or a file of somebody else, would make certfleet write, lock
/// or believe what others chose.
enum OwnFile {
  /// Opens a file that is a regular one, ours or root's, and nobody else's to write. Links are not followed.
  static func open(_ path: String, _ flags: Int32) throws(JournalError) -> Int32 {
    // O_NONBLOCK: a FIFO would wait for somebody at its other end; O_CLOEXEC: a child that outlives us must not keep a lock.
    let descriptor = Glibc.open(path, flags | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY | O_CLOEXEC, 0o600)
    guard descriptor >= 0 else { throw refusal(errno, of: path) }
    var status = stat()
    guard fstat(descriptor, &status) == 0 else {
      let code = errno
      close(descriptor)
      throw .system(path: path, detail: StateDirectory.errorText(code))
    }
    if let why = complaint(about: status) {
      close(descriptor)
      throw .untrusted(path: path, detail: why)
    }
    return descriptor
  }

  /// Looks at a file that SQLite opens by its name. The directory is ours or root's alone, so nobody changes it in between.
  static func check(_ path: String) throws(JournalError) {
    var status = stat()
    guard lstat(path, &status) == 0 else {
      guard errno == ENOENT else { throw .system(path: path, detail: StateDirectory.errorText(errno)) }
      return
    }
    if let why = complaint(about: status) { throw .untrusted(path: path, detail: why) }
  }

  private static func complaint(about status: stat) -> String? {
    switch status.st_mode & S_IFMT {
    case S_IFREG: break
    case S_IFLNK: return "it is a symbolic link; put the file itself there"
    default: return "it is no regular file; remove it"
    }
    if let why = foreign(status.st_uid) { return why }
    return status.st_mode & 0o022 == 0
      ? nil : "others may write to it; see that it is what you left there, then: chmod 600 it"
  }

  /// Why an owner is not trusted.
  static func foreign(_ owner: uid_t) -> String? {
    guard owner != geteuid(), owner != 0 else { return nil }
    return
      "it belongs to user \(owner), and certfleet runs as user \(geteuid()); run it as its owner, or change the owner"
  }

  private static func refusal(_ code: Int32, of path: String) -> JournalError {
    switch code {
    case ELOOP: .untrusted(path: path, detail: "it is a symbolic link; put the file itself there")
    case EACCES, EPERM, EROFS: .readOnly(path: path)
    case ENOSPC, EDQUOT: .diskFull(path: path)
    default: .system(path: path, detail: StateDirectory.errorText(code))
    }
  }
}
