import Foundation
import Glibc

/// Files that only their owner may read, written whole or not at all.
enum PrivateFile {
  /// Why a file could not be read or written.
  struct Fault: Error {
    let path: String
    let reason: String
  }

  /// Makes a directory with mode 0700, whose name is on the disk afterwards; an existing one is left as it is.
  static func makeDirectory(_ path: String) throws(Fault) {
    if FileManager.default.fileExists(atPath: path) { return }
    do {
      try FileManager.default.createDirectory(
        atPath: path, withIntermediateDirectories: true, attributes: [.posixPermissions: 0o700])
    } catch {
      throw Fault(path: path, reason: "cannot be made: \(error.localizedDescription)")
    }
    try syncDirectory(of: path)
  }

  /// Writes a file with mode 0600 through a temporary name, so that a crash leaves the old one or the new one.
  static func write(_ bytes: [UInt8], to path: String) throws(Fault) {
    let temporary = try draft(bytes, of: path)
    guard rename(temporary, path) == 0 else {
      let reason = String(cString: strerror(errno))
      unlink(temporary)
      throw Fault(path: path, reason: reason)
    }
    try syncDirectory(of: path)
  }

  /// Writes a file that must not be there yet. False, with nothing changed, where another process was first: two first runs that each made a
  /// key would each register an account, and one of them would be lost.
  static func create(_ bytes: [UInt8], at path: String) throws(Fault) -> Bool {
    let temporary = try draft(bytes, of: path)
    defer { unlink(temporary) }
    guard link(temporary, path) == 0 else {
      if errno == EEXIST { return false }
      throw Fault(path: path, reason: String(cString: strerror(errno)))
    }
    try syncDirectory(of: path)
    return true
  }

  private static func draft(_ bytes: [UInt8], of path: String) throws(Fault) -> String {
    let temporary = path + ".new-\(getpid())-\(UInt32.random(in: .min ... .max))"
    let file = open(temporary, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0o600)
    guard file >= 0 else { throw Fault(path: path, reason: String(cString: strerror(errno))) }
    defer { close(file) }
    var offset = 0
    while offset < bytes.count {
      let count = bytes[offset...].withUnsafeBytes { Glibc.write(file, $0.baseAddress, $0.count) }
      if count < 0, errno == EINTR { continue }
      guard count > 0 else {
        let reason = String(cString: strerror(errno))
        unlink(temporary)
        throw Fault(path: path, reason: reason)
      }
      offset += count
    }
    guard fsync(file) == 0 else {
      let reason = String(cString: strerror(errno))
      unlink(temporary)
      throw Fault(path: path, reason: reason)
    }
    return temporary
  }

  /// The name is on the disk only when its directory is: without this a power cut may lose an account key that the CA knows already.
  private static func syncDirectory(of path: String) throws(Fault) {
    let descriptor = open(folder(of: path), O_RDONLY | O_DIRECTORY | O_CLOEXEC)
    guard descriptor >= 0 else { throw Fault(path: path, reason: String(cString: strerror(errno))) }
    defer { close(descriptor) }
    // Some file systems (EINVAL) keep their directories by themselves.
    guard fsync(descriptor) == 0 || errno == EINVAL else {
      throw Fault(path: path, reason: String(cString: strerror(errno)))
    }
  }

  /// The folder that a name stands in.
  static func folder(of path: String) -> String {
    guard let slash = path.lastIndex(of: "/") else { return "." }
    return slash == path.startIndex ? "/" : String(path[..<slash])
  }

  /// Far above any key or passphrase.
  private static let maximumBytes = 1 << 20

  /// Reads a file that may hold a secret: a regular one, ours or root's, that others cannot read. It is looked at after it was opened, so that
  /// nobody changes it in between.
  static func read(_ path: String) throws(Fault) -> [UInt8] {
    do throws(TextFile.Fault) {
      return try TextFile.read(path, limit: maximumBytes) { status in
        if status.st_mode & 0o077 != 0 { return "can be read by others; remedy: chmod 600 \(path)" }
        guard status.st_uid == geteuid() || status.st_uid == 0 else {
          return
            "belongs to user \(status.st_uid), not to the user that certfleet runs as, nor to root; remedy: chown it"
        }
        return nil
      }
    } catch {
      throw Fault(path: path, reason: error.reason)
    }
  }

  /// Whether something lies there.
  static func exists(_ path: String) -> Bool { FileManager.default.fileExists(atPath: path) }
}

/// Files that commands write for people: they name customers, so they are their owner's alone until somebody hands them on.
public enum ReportFile {
  /// Writes a text, whole or not at all; directories that are missing are made.
  public static func write(_ text: String, to path: String) throws(CommandFault) {
    let path = TextFile.absolute(path)
    do {
      try PrivateFile.makeDirectory(PrivateFile.folder(of: path))
      var status = stat()
      // A terminal, a pipe: written to, not replaced.
      if stat(path, &status) == 0, status.st_mode & S_IFMT != S_IFREG {
        try Data(text.utf8).write(to: URL(filePath: path))
      } else {
        try PrivateFile.write(Array(text.utf8), to: path)
      }
    } catch let fault as PrivateFile.Fault {
      throw .couldNotRun("\(fault.path) cannot be written: \(fault.reason)")
    } catch {
      throw .couldNotRun("\(path) cannot be written: \(error.localizedDescription)")
    }
  }
}
