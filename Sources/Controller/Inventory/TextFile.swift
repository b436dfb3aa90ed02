import Foundation

/// Files as people name them, read whole but never without bound.
enum TextFile {
  /// Why a file could not be read.
  struct Fault: Error {
    var reason: String
  }

  /// At most `limit` bytes; a longer file is refused, not cut.
  static func read(_ path: String, limit: Int) throws(Fault) -> [UInt8] {
    var isDirectory: ObjCBool = false
    guard FileManager.default.fileExists(atPath: path, isDirectory: &isDirectory) else {
      throw Fault(reason: "there is no such file")
    }
    guard !isDirectory.boolValue else { throw Fault(reason: "this is a directory") }
    guard let file = FileHandle(forReadingAtPath: path) else { throw Fault(reason: "permission denied") }
    defer { file.closeFile() }
    do {
      let data = try file.read(upToCount: limit + 1) ?? Data()
      guard data.count <= limit else { throw Fault(reason: "it has more than \(limit >> 20) MiB") }
      return [UInt8](data)
    } catch let fault as Fault {
      throw fault
    } catch {
      throw Fault(reason: "it cannot be read")
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
