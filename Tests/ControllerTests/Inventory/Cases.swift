import Foundation

/// The case files under `Tests/Cases`: an input, and beside it `NAME.expected` with what must come of it.
///
/// To write a new expectation, run the test with `CERTFLEET_RECORD_CASES=1` and read the difference before committing it.
enum Cases {
  static let root = URL(fileURLWithPath: #filePath)
    .deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent()
    .deletingLastPathComponent()

  static func folder(_ name: String) -> URL { root.appendingPathComponent("Tests/Cases/\(name)") }

  /// The names of the inputs in a folder, without their extension.
  static func names(in folder: String, _ pathExtension: String, except others: Set<String> = []) throws -> [String] {
    try FileManager.default.contentsOfDirectory(at: Self.folder(folder), includingPropertiesForKeys: nil)
      .filter { $0.pathExtension == pathExtension }.map { $0.deletingPathExtension().lastPathComponent }
      .filter { !others.contains($0) }.sorted()
  }

  /// The expectation; the actual text itself while cases are recorded.
  static func expected(_ name: String, in folder: String, actual: String) throws -> String {
    let file = Self.folder(folder).appendingPathComponent(name + ".expected")
    if ProcessInfo.processInfo.environment["CERTFLEET_RECORD_CASES"] == "1" {
      try Data(actual.utf8).write(to: file)
    }
    return String(decoding: try Data(contentsOf: file), as: UTF8.self)
  }
}
