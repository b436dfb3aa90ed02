import Foundation
import Glibc

/// Files that only their owner may read, written whole or not at all.
enum PrivateFile {
  /// Why a file could not be read or written.
  struct Fault: Error {
    let path: String
    let reason: String
  }

  /// Makes a directory with mode 0700; an existing one is left as it is.
  static func makeDirectory(_ path: String) throws(Fault) {
    do {
      try FileManager.default.createDirectory(
        atPath: path, withIntermediateDirectories: true, attributes: [.posixPermissions: 0o700])
    } catch {
      throw Fault(path: path, reason: "cannot be made: \(error.localizedDescription)")
    }
  }

  /// Writes a new file with mode 0600 through a temporary name, so that a crash leaves the old one or the new one.
  static func write(_ bytes: [UInt8], to path: String) throws(Fault) {
    let temporary = path + ".new-\(getpid())"
    unlink(temporary)
    let file = open(temporary, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0o600)
    guard file >= 0 else { throw Fault(path: path, reason: String(cString: strerror(errno))) }
    defer { close(file) }
    var offset = 0
    while offset < bytes.count {
      let count = bytes[offset...].withUnsafeBytes { Glibc.write(file, $0.baseAddress, $0.count) }
      guard count > 0 else {
        let reason = String(cString: strerror(errno))
        unlink(temporary)
        throw Fault(path: path, reason: reason)
      }
      offset += count
    }
    guard fsync(file) == 0, rename(temporary, path) == 0 else {
      let reason = String(cString: strerror(errno))
      unlink(temporary)
      throw Fault(path: path, reason: reason)
    }
  }

  /// Reads a file that may hold a secret; others must not be able to read it.
  static func read(_ path: String) throws(Fault) -> [UInt8] {
    var status = stat()
    guard stat(path, &status) == 0 else { throw Fault(path: path, reason: String(cString: strerror(errno))) }
    guard status.st_mode & 0o077 == 0 else {
      throw Fault(path: path, reason: "can be read by others; remedy: chmod 600 \(path)")
    }
    guard let data = FileManager.default.contents(atPath: path) else {
      throw Fault(path: path, reason: "cannot be read")
    }
    return Array(data)
  }

  /// Whether something lies there.
  static func exists(_ path: String) -> Bool { FileManager.default.fileExists(atPath: path) }
}
