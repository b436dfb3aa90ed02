import Fleet
import Foundation
import Testing

@testable import Journal

@Suite struct AppendTests {
  @Test func callsAtTheSameTimeShareTransactions() async throws {
    try await withDirectory { directory in
      let commits = Counter()
      let store = try open(
        directory, tuning: .init(trace: { if $0 == "COMMIT TRANSACTION" { commits.increment() } }))
      let before = commits.value

      try await withThrowingTaskGroup(of: [Record].self) { group in
        for number in 0..<400 {
          group.addTask { try await store.append(CrashTests.tryOf(number), sweep: nil, at: noon) }
        }
        for try await records in group {
          #expect(records.map(\.sequence) == (0..<4).map { (records.first?.sequence ?? 0) + $0 })
        }
      }

      #expect(try store.head().sequence == 1_600)
      #expect(commits.value - before >= 1)
      #expect(commits.value - before <= 100, "\(commits.value - before) transactions for 400 calls")
      #expect(try store.refold().isEmpty)
    }
  }

  @Test func oneRefusedCallSpoilsNoOtherOfItsGroup() async throws {
    try await withDirectory { directory in
      let store = try open(directory)
      _ = try await store.append(CrashTests.tryOf(0), sweep: nil, at: noon)

      let outcomes = await withTaskGroup(of: Bool.self) { group in
        for number in 1...200 {
          group.addTask {
            // Illegal for the machine, refused by a constraint, or fine.
            let events: [Event] =
              switch number % 10 {
              case 0: [.orderRequested(of: AttemptReference(spec: ID("p/0"), attempt: ID("a0")))]
              case 1: [.pairPaused(pair: ID("p")), .rolloutEnded(rollout: ID("none"), end: .done, cause: nil)]
              default: CrashTests.tryOf(number)
              }
            do {
              _ = try await store.append(events, sweep: nil, at: noon)
              return true
            } catch {
              return false
            }
          }
        }
        return await group.reduce(into: 0) { count, isDone in count += isDone ? 1 : 0 }
      }

      #expect(outcomes == 160)
      #expect(try store.head().sequence == 4 + 160 * 4)
      #expect(try store.fleetState().pairs.isEmpty)
      #expect(try store.refold().isEmpty)
    }
  }

  @Test func aCancelledCallerStillRecords() async throws {
    try await withDirectory { directory in
      let store = try open(directory)

      let count = await withTaskGroup(of: Int.self) { group in
        group.cancelAll()
        group.addTask {
          do { return try await store.append(CrashTests.tryOf(1), sweep: nil, at: noon).count } catch { return 0 }
        }
        return await group.next()
      }

      #expect(count == 4)
      #expect(try store.head().sequence == 4)
    }
  }

  @Test(arguments: [
    "UPDATE event SET body = '{}'", "DELETE FROM event", "DELETE FROM event WHERE sequence = 4",
    "INSERT OR REPLACE INTO event SELECT 2, at, sweep, kind, body, hash FROM event WHERE sequence = 1",
    "INSERT INTO event SELECT 9, at, sweep, kind, body, hash FROM event WHERE sequence = 1",
  ])
  func noSQLChangesOrRemovesARow(sql: String) async throws {
    try await withDirectory { directory in
      let store = try open(directory)
      _ = try await store.append(CrashTests.tryOf(1), sweep: nil, at: noon)

      let answer = String(decoding: try sqlite(directory, sql), as: UTF8.self)

      #expect(answer.contains("the journal"), "\(answer)")
      #expect(try store.verifyChain() == .intact(try store.head()))
    }
  }

  @Test func whoeverDropsTheTriggersIsFoundByTheChain() async throws {
    try await withDirectory { directory in
      let store = try open(directory)
      for number in 0..<3 { _ = try await store.append(CrashTests.tryOf(number), sweep: nil, at: noon) }
      let head = try store.head()

      try sqlite(
        directory, "DROP TRIGGER event_is_never_changed; UPDATE event SET at = at + 1 WHERE sequence = 7")

      #expect(try store.verifyChain() == .broken(sequence: 7, reason: "the row or its hash was changed"))
      try sqlite(directory, "UPDATE event SET at = at - 1 WHERE sequence = 7")
      #expect(try store.verifyChain(anchor: head) == .intact(head))
      try sqlite(
        directory,
        "DROP TRIGGER event_is_never_removed; PRAGMA foreign_keys = OFF; DELETE FROM event WHERE sequence > 9")
      #expect(try store.verifyChain() != .intact(head))
      #expect(
        try store.verifyChain(anchor: head) == .broken(sequence: 10, reason: "rows were cut off: 12 were there"))
    }
  }

  @Test(arguments: [
    "UPDATE certificate SET failures = 3 WHERE id = 'p/1'", "DELETE FROM attempt WHERE certificate = 'p/1'",
    "INSERT INTO pair (id, paused) VALUES ('x', 1)", "UPDATE attempt SET id = 'other'",
    "DELETE FROM mention WHERE sequence = 2", "UPDATE mail SET sent_at = 1, attempts = 1",
    "UPDATE sweep SET end_reason = 'completed', ended = 6, ended_at = 1",
  ])
  func refoldingFindsWhatWasChangedBehindTheJournal(sql: String) async throws {
    try await withDirectory { directory in
      let store = try open(directory)
      _ = try await store.append(CrashTests.tryOf(1), sweep: nil, at: noon)
      _ = try await store.append([.sweepStarted(sweep: ID("s"), seed: .max, purpose: .run)], sweep: ID("s"), at: noon)
      _ = try await store.queueMail(
        subject: "Report", message: [65], from: "a@example.org", to: ["b@example.org"], sweep: nil, at: noon)
      #expect(try store.refold().isEmpty)

      let answer = String(decoding: try sqlite(directory, sql), as: UTF8.self)

      #expect(answer.isEmpty)
      #expect(try !store.refold().isEmpty)
    }
  }

  @Test func bucketsAreStoredWithTheirEventOrAloneAndGoWhenTheyAreVoid() async throws {
    try await withDirectory { directory in
      let store = try open(directory)
      let domain = BucketRow(
        key: .domain("example.org", ID("le")), tatMicroseconds: 1_785_412_800_123_456,
        reservations: [ID("a1"), ID("a2")])
      let orders = BucketRow(key: .newOrders(ID("le")), tatMicroseconds: 7, reservations: [])

      _ = try await store.append(CrashTests.tryOf(1), sweep: nil, at: noon, buckets: [orders, domain])
      #expect(try store.buckets() == [domain, orders].sorted { $0.key.description < $1.key.description })
      _ = try await store.append(
        [], sweep: nil, at: noon, buckets: [BucketRow(key: orders.key, tatMicroseconds: 0, reservations: [])])

      #expect(try store.buckets() == [domain])
      #expect(try store.snapshot().buckets == [domain])
      #expect(try store.head().sequence == 4)
      #expect(try store.refold().isEmpty)
    }
  }

  /// The text of every stored case: a journal is read for years, so a change here breaks every journal there is.
  @Test(arguments: StoredShapes.all) func theShapeOfEveryStoredEventStays(shape: StoredShape) throws {
    #expect(try CodedEvent(shape.event).body == shape.body)
    #expect(try JournalText.decode(Event.self, shape.body, table: "event") == shape.event)
  }
}
