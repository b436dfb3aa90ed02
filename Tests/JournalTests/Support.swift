import Fleet
import Foundation
import PKI

@testable import Journal

/// A directory of its own for one test, removed afterwards.
func withDirectory<Value>(_ body: (String) async throws -> Value) async throws -> Value {
  let directory = FileManager.default.temporaryDirectory.appending(path: "journal-\(UUID().uuidString)").path
  defer { do { try FileManager.default.removeItem(atPath: directory) } catch {} }
  return try await body(directory)
}

func open(_ directory: String, tuning: JournalStore.Tuning = .init()) throws -> JournalStore {
  try JournalStore.open(directory: directory, hash: { sha256($0) }, tuning: tuning)
}

let noon = Date(timeIntervalSince1970: 1_785_412_800)
