import Controller
import Foundation

/// Files that commands write for people.
enum Files {
  static func write(_ text: String, to path: String) throws {
    do {
      try FileManager.default.createDirectory(
        at: URL(filePath: path).deletingLastPathComponent(), withIntermediateDirectories: true)
      try Data(text.utf8).write(to: URL(filePath: path), options: .atomic)
    } catch {
      throw CommandFault.couldNotRun("\(path) cannot be written: \(error.localizedDescription)")
    }
  }
}
