import Fleet
import Foundation
import Glibc
import PKI
import Testing

@testable import Journal

@Suite struct OpeningTests {
  @Test func anEmptyJournalIsIntactAndFoldsToNothing() async throws {
    try await withDirectory { directory in
      let store = try open(directory)

      #expect(try store.fleetState() == FleetState())
      #expect(try store.verifyChain() == .intact(.empty))
      #expect(try store.refold().isEmpty)
    }
  }

  @Test func onlyTheOwnerMayReadTheState() async throws {
    try await withDirectory { directory in
      let old = umask(0)
      defer { umask(old) }
      let store = try open(directory)
      _ = try await store.append([.pairPaused(pair: ID("p"))], sweep: nil, at: noon)

      #expect(mode(directory) == 0o700)
      let files = try FileManager.default.contentsOfDirectory(atPath: directory)
      #expect(Set(files).isSuperset(of: ["journal.sqlite", "journal.sqlite-wal", "journal.sqlite-shm"]))
      for file in files { #expect(mode(directory + "/" + file) == 0o600, "\(file)") }
    }
  }

  @Test func aDirectoryThatHoldsOtherThingsKeepsItsMode() async throws {
    try await withDirectory { directory in
      try FileManager.default.createDirectory(atPath: directory + "/other", withIntermediateDirectories: true)
      #expect(chmod(directory, 0o755) == 0)

      _ = try open(directory)

      #expect(mode(directory) == 0o755)
      #expect(mode(directory + "/journal.sqlite") == 0o600)
    }
  }

  @Test func whatItPromisesAboutTheDiskIsSetOnTheWriter() async throws {
    try await withDirectory { directory in
      let statements = Lines()
      let store = try open(directory, tuning: .init(trace: { statements.append($0) }))
      _ = try await store.append([.pairPaused(pair: ID("p"))], sweep: nil, at: noon)

      #expect(try await store.writerPragma("synchronous") == 2)
      #expect(try await store.writerPragma("foreign_keys") == 1)
      #expect(statements.all.contains("BEGIN IMMEDIATE TRANSACTION"))
      #expect(try String(decoding: sqlite(directory, "PRAGMA journal_mode"), as: UTF8.self) == "wal\n")
    }
  }

  @Test func aFileInPlaceOfTheDirectoryIsNamed() async throws {
    try await withDirectory { directory in
      try Data("x".utf8).write(to: URL(filePath: directory))

      #expect(throws: JournalError.notADirectory(path: directory)) { try open(directory) }
      #expect(throws: JournalError.notADirectory(path: directory)) { try readOnly(directory) }
    }
  }

  @Test func aFileThatIsNoDatabaseIsNamed() async throws {
    try await withDirectory { directory in
      try FileManager.default.createDirectory(atPath: directory, withIntermediateDirectories: true)
      try Data(repeating: 0x41, count: 8_192).write(to: URL(filePath: directory + "/journal.sqlite"))
      // A test beside this one has no umask for a moment.
      #expect(chmod(directory, 0o700) == 0 && chmod(directory + "/journal.sqlite", 0o600) == 0)

      for attempt in [open(_:), readOnly(_:)] as [(String) throws -> JournalStore] {
        do {
          _ = try attempt(directory)
          Issue.record("it was opened")
        } catch let error as JournalError {
          guard case .corrupt(let path, _) = error else {
            Issue.record("\(error)")
            continue
          }
          #expect(path == directory + "/journal.sqlite")
        }
      }
    }
  }

  @Test func aPageThatWasDamagedIsNoticedByWhoReadsIt() async throws {
    try await withDirectory { directory in
      do {
        let store = try open(directory)
        for number in 0..<40 { _ = try await store.append(CrashTests.tryOf(number), sweep: nil, at: noon) }
      }
      try sqlite(directory, "PRAGMA wal_checkpoint(TRUNCATE)")
      let file = directory + "/journal.sqlite"
      let size = try #require(try FileManager.default.attributesOfItem(atPath: file)[.size] as? Int)
      let descriptor = Glibc.open(file, O_WRONLY)
      let noise = [UInt8](repeating: 0xAA, count: size - 8_192)
      #expect(pwrite(descriptor, noise, noise.count, 8_192) == noise.count)
      close(descriptor)

      do {
        _ = try open(directory).verifyChain()
        Issue.record("nothing was noticed")
      } catch let error as JournalError {
        guard case .corrupt = error else {
          Issue.record("\(error)")
          return
        }
      }
    }
  }

  @Test func aJournalOfANewerCertfleetIsNotTouched() async throws {
    try await withDirectory { directory in
      do { _ = try open(directory) }
      try sqlite(directory, "INSERT INTO grdb_migrations (identifier) VALUES ('9 from the future')")

      let newer = JournalError.newerSchema(path: directory + "/journal.sqlite", migration: "9 from the future")
      #expect(throws: newer) { try open(directory) }
      #expect(throws: newer) { try readOnly(directory) }
    }
  }

  @Test func aFullDiskIsSaidAndTheJournalGoesOnWhenThereIsRoom() async throws {
    try await withDirectory { directory in
      do {
        let store = try open(directory, tuning: .init(maximumPages: 80))
        await #expect(throws: JournalError.diskFull(path: directory + "/journal.sqlite")) {
          for number in 0..<2_000 { _ = try await store.append(CrashTests.tryOf(number), sweep: nil, at: noon) }
        }
        #expect(try store.refold().isEmpty)
      }

      let store = try open(directory)
      let before = try store.head().sequence
      _ = try await store.append(CrashTests.tryOf(9_999), sweep: nil, at: noon)
      #expect(before > 0)
      #expect(try store.head().sequence == before + 4)
      #expect(try store.refold().isEmpty)
    }
  }

  @Test func readingNeedsAJournal() async throws {
    try await withDirectory { directory in
      #expect(throws: JournalError.missing(path: directory + "/journal.sqlite")) { try readOnly(directory) }
      #expect(!FileManager.default.fileExists(atPath: directory))
    }
  }

  @Test func aReaderSeesWhatAWriterCommitsAndNeverWrites() async throws {
    try await withDirectory { directory in
      let writer = try open(directory)
      let reader = try readOnly(directory)
      let before = try reader.changeToken()
      #expect(try reader.changeToken() == before)

      _ = try await writer.append([.pairPaused(pair: ID("p"))], sweep: nil, at: noon)

      #expect(try reader.changeToken() != before)
      #expect(try reader.fleetState().pairs[ID("p")]?.isPaused(at: noon) == true)
      await #expect(throws: JournalError.readOnly(path: directory + "/journal.sqlite")) {
        try await reader.append([.pairResumed(pair: ID("p"))], sweep: nil, at: noon)
      }
    }
  }

  @Test(
    .enabled(if: geteuid() == 0, "only root can become somebody who may not write"),
    .disabled(if: getenv("ASAN_OPTIONS") != nil, "the leak sanitizer may not look into who became somebody else"))
  func aDirectoryThatMayNotBeWrittenIsNamed() async throws {
    try await withDirectory { directory in
      do { _ = try open(directory) }
      #expect(chmod(directory, 0o755) == 0)

      await #expect(processExitsWith: .success) { [directory = directory as String] in
        #expect(setuid(65_534) == 0)
        #expect(throws: JournalError.readOnly(path: directory)) { try open(directory) }
      }
    }
  }

  private func mode(_ path: String) -> mode_t {
    var status = stat()
    #expect(stat(path, &status) == 0)
    return status.st_mode & 0o777
  }
}

func open(_ directory: String) throws -> JournalStore { try open(directory, tuning: .init()) }

func readOnly(_ directory: String) throws -> JournalStore {
  try JournalStore.openReadOnly(directory: directory, hash: { sha256($0) })
}
