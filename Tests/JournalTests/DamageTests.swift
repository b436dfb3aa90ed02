import Fleet
import Foundation
import PKI
import Testing

@testable import Journal

@Suite struct DamageTests {
  /// H19: whatever bytes of the file are damaged, what reads it says so, and none of it traps.
  @Test func noDamageOfTheFileStopsWhoReadsIt() async throws {
    try await withDirectory { directory in
      do {
        let store = try open(directory)
        for number in 0..<12 { _ = try await store.append(CrashTests.tryOf(number), sweep: nil, at: noon) }
      }
      try sqlite(directory, "PRAGMA wal_checkpoint(TRUNCATE)")
      let file = URL(filePath: directory + "/journal.sqlite")
      let whole = try Data(contentsOf: file)
      var random = SeededGenerator(seed: 19)
      var noticed = 0
      for _ in 0..<120 {
        var damaged = whole
        // Not the first page: without its header nothing of the file is read at all.
        for _ in 0..<Int.random(in: 1...24, using: &random) {
          let place = Int.random(in: 4_096..<damaged.count, using: &random)
          damaged[place] = Bool.random(using: &random) ? 0 : UInt8.random(in: 0...255, using: &random)
        }
        try damaged.write(to: file)
        if readsAll(directory) { continue }
        noticed += 1
      }
      #expect(noticed > 30, "\(noticed)")
    }
  }

  /// H19: a NULL where the tables forbid one was a trap in `RowReader`, and so was a moment that no calendar has.
  @Test(arguments: [
    "UPDATE event SET body = NULL WHERE sequence = 3", "UPDATE event SET hash = NULL WHERE sequence = 3",
    "UPDATE event SET at = 9223372036854775807 WHERE sequence = 3", "UPDATE certificate SET failures = NULL",
    "UPDATE certificate SET label = NULL", "UPDATE attempt SET names = NULL",
    "UPDATE certificate SET last_failure_at = -9223372036854775808",
  ])
  func aRowThatTheTablesForbidIsNamed(_ damage: String) async throws {
    try await withDirectory { directory in
      do {
        let store = try open(directory)
        for number in 0..<3 { _ = try await store.append(CrashTests.tryOf(number), sweep: nil, at: noon) }
      }
      // What SQLite would refuse is written past its checks, as a disk does.
      let said = try sqlite(
        directory,
        """
        PRAGMA writable_schema = ON; PRAGMA ignore_check_constraints = ON;
        UPDATE sqlite_schema SET sql = replace(replace(replace(replace(sql, 'IS NOT NULL', 'IS NOT  NULL'), ' NOT NULL', ''),
          'IS NOT  NULL', 'IS NOT NULL'), 'STRICT', '') WHERE type = 'table';
        DELETE FROM sqlite_schema WHERE type = 'trigger';
        """)
      let more = try sqlite(directory, "PRAGMA ignore_check_constraints = ON; \(damage)")

      #expect(said.isEmpty && more.isEmpty, "\(String(decoding: said + more, as: UTF8.self))")
      #expect(!readsAll(directory))
    }
  }

  private func readsAll(_ directory: String) -> Bool {
    var isWhole = true
    do {
      let store = try readOnly(directory)
      for look in [
        { if case .broken = try store.verifyChain() { isWhole = false } },
        { isWhole = try store.refold().isEmpty && isWhole },
        { _ = try store.snapshot() }, { _ = try store.recordsAfter(0) }, { _ = try store.counts() },
        { _ = try store.lostOrders() },
      ] as [() throws -> Void] {
        do {
          try look()
        } catch {
          isWhole = false
        }
      }
    } catch {
      return false
    }
    return isWhole
  }
}
