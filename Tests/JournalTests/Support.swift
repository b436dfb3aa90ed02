import Fleet
import Foundation
import PKI
import Synchronization

@testable import Journal

/// A directory of its own for one test, removed afterwards.
func withDirectory<Value>(_ body: (String) async throws -> Value) async throws -> Value {
  let directory = FileManager.default.temporaryDirectory.appending(path: "journal-\(UUID().uuidString)").path
  defer { do { try FileManager.default.removeItem(atPath: directory) } catch {} }
  return try await body(directory)
}

func open(_ directory: String, tuning: JournalStore.Tuning) throws -> JournalStore {
  try JournalStore.open(directory: directory, hash: { sha256($0) }, tuning: tuning)
}

let noon = Date(timeIntervalSince1970: 1_785_412_800)

/// Counts from any thread.
final class Counter: Sendable {
  private let count = Atomic<Int>(0)

  var value: Int { count.load(ordering: .sequentiallyConsistent) }

  @discardableResult func increment() -> Int { count.add(1, ordering: .sequentiallyConsistent).newValue }
}

/// Gathers lines from any thread.
final class Lines: Sendable {
  private let lines = Mutex<[String]>([])

  var all: [String] { lines.withLock { $0 } }

  func append(_ line: String) { lines.withLock { $0.append(line) } }
}

/// Runs SQL as a stranger would: with SQLite's own shell.
@discardableResult func sqlite(_ directory: String, _ sql: String) throws -> [UInt8] {
  let process = Process()
  process.executableURL = URL(filePath: "/usr/bin/sqlite3")
  process.arguments = [directory + "/journal.sqlite", sql]
  let output = Pipe()
  process.standardOutput = output
  process.standardError = output
  try process.run()
  let bytes = try output.fileHandleForReading.readToEnd() ?? Data()
  process.waitUntilExit()
  return Array(bytes)
}
