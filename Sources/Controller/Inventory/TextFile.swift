import Foundation
import Glibc

/// Files as people name them, read whole but never without bound.
enum TextFile {
  /// Why a file could not be read.
  struct Fault: Error {
    var reason: String
  }

  /// At most `limit` bytes of a regular file; a longer file is refused, not cut. A FIFO or a device would make us wait for ever, or never end.
  ///
  /// - Parameter complaint: What else speaks against the open file.
  static func read(
    _ path: String, limit: Int, refusing complaint: (stat) -> String? = { _ in nil }
  ) throws(Fault) -> [UInt8] {
    var status = stat()
    guard stat(path, &status) == 0 else { throw Fault(reason: words(errno)) }
    // Before it is opened: opening a device alone may do something.
    if let why = kind(status) { throw Fault(reason: why) }
    let descriptor = open(path, O_RDONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC)
    guard descriptor >= 0 else { throw Fault(reason: words(errno)) }
    defer { close(descriptor) }
    guard fstat(descriptor, &status) == 0 else { throw Fault(reason: words(errno)) }
    if let why = kind(status) ?? complaint(status) { throw Fault(reason: why) }
    guard status.st_size <= limit else { throw Fault(reason: "it has more than \(limit >> 20) MiB") }
    return try bytes(descriptor, expected: Int(status.st_size), limit: limit)
  }

  /// Files of /proc say that they are empty, so the end is where reading ends.
  private static func bytes(_ descriptor: Int32, expected: Int, limit: Int) throws(Fault) -> [UInt8] {
    var bytes: [UInt8] = []
    bytes.reserveCapacity(expected)
    var page = [UInt8](repeating: 0, count: 64 << 10)
    while true {
      let count = page.withUnsafeMutableBytes { Glibc.read(descriptor, $0.baseAddress, $0.count) }
      if count < 0, errno == EINTR { continue }
      guard count >= 0 else { throw Fault(reason: "it cannot be read") }
      guard count > 0 else { return bytes }
      bytes += page[..<count]
      guard bytes.count <= limit else { throw Fault(reason: "it has more than \(limit >> 20) MiB") }
    }
  }

  private static func kind(_ status: stat) -> String? {
    switch status.st_mode & S_IFMT {
    case S_IFREG: nil
    case S_IFDIR: "this is a directory"
    default: "this is no regular file"
    }
  }

  private static func words(_ code: Int32) -> String {
    switch code {
    case ENOENT, ENOTDIR: "there is no such file"
    case EACCES, EPERM: "permission denied"
    default: String(cString: strerror(code))
    }
  }

  /// The absolute path without `.` and `..`; symbolic links are left as they are.
  static func absolute(_ path: String) -> String {
    URL(fileURLWithPath: path).standardizedFileURL.path
  }

  /// The path as it is shown: as short as it can be from the working directory.
  static func shown(_ path: String) -> String {
    let here = FileManager.default.currentDirectoryPath
    return path.hasPrefix(here + "/") ? String(path.dropFirst(here.count + 1)) : path
  }

  /// The paths that a pattern with `*`, `?` and `[…]` stands for, sorted; directories are left out.
  static func expand(_ pattern: String) -> [String] {
    var found = glob_t()
    defer { globfree(&found) }
    guard glob(pattern, GLOB_MARK, nil, &found) == 0, let paths = found.gl_pathv else { return [] }
    return (0..<Int(found.gl_pathc)).compactMap { index in
      paths[index].map { String(cString: $0) }
    }.filter { !$0.hasSuffix("/") }.sorted()
  }

  /// Whether a text is a pattern rather than one path.
  static func isPattern(_ text: String) -> Bool { text.contains { "*?[".contains($0) } }
}
