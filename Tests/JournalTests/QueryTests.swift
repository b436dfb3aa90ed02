import Fleet
import Foundation
import Testing

@testable import Journal

@Suite struct QueryTests {
  @Test func aRunIsToldByItsRows() async throws {
    try await withDirectory { directory in
      let store = try open(directory)
      #expect(try store.lastSweep() == nil)
      _ = try await store.append([.pairPaused(pair: ID("p"))], sweep: nil, at: noon)
      _ = try await store.append(
        [.sweepStarted(sweep: ID("s1"), seed: .max - 1, purpose: .renew)], sweep: ID("s1"), at: noon)
      _ = try await store.append(CrashTests.tryOf(1), sweep: ID("s1"), at: noon)
      _ = try await store.append(
        [.sweepEnded(sweep: ID("s1"), end: .interrupted)], sweep: ID("s1"), at: noon.addingTimeInterval(9))

      let sweep = try #require(try store.lastSweep())
      #expect(
        sweep
          == SweepSummary(
            id: ID("s1"), purpose: .renew, seed: .max - 1, started: 2, startedAt: noon, ended: 7,
            endedAt: noon.addingTimeInterval(9), end: .interrupted))
      #expect(try store.records(of: ID("s1")).map(\.sequence) == [2, 3, 4, 5, 6, 7])
      #expect(try store.counts(in: ID("s1"))["specAdded"] == 1)
      #expect(try store.counts()["pairPaused"] == 1)
    }
  }

  @Test func aKilledRunHasNoEnd() async throws {
    try await withDirectory { directory in
      let store = try open(directory)
      _ = try await store.append(
        [.sweepStarted(sweep: ID("s1"), seed: 1, purpose: .run)], sweep: ID("s1"), at: noon)

      #expect(try store.lastSweep()?.end == nil)
      #expect(try store.sweeps(newest: 5).count == 1)
    }
  }

  @Test func theHistoryOfACertificateHoldsItsRolloutsToo() async throws {
    try await withDirectory { directory in
      let store = try open(directory)
      let one = AttemptReference(spec: ID("p/1"), attempt: ID("a1"))
      _ = try await store.append(CrashTests.tryOf(1), sweep: nil, at: noon)
      _ = try await store.append(CrashTests.tryOf(2), sweep: nil, at: noon)
      _ = try await store.append(
        [
          .rolloutStarted(rollout: ID("r"), pair: ID("p"), batch: [one], first: ID("n1"), second: ID("n2")),
          .rolloutStepped(rollout: ID("r"), step: .check, failure: nil),
          .rolloutStepped(rollout: ID("r"), step: .stage(.first), failure: Failure(.diskFull, "no room")),
        ], sweep: ID("s"), at: noon)

      #expect(try store.history(of: SpecID("p/1")).map(\.sequence) == [1, 2, 3, 4, 9])
      #expect(try store.history(of: NodeID("n2")).map(\.sequence) == [9])
      #expect(try store.history(of: PairID("p")).map(\.sequence) == [9])
      #expect(try store.history(of: RolloutID("r")).map(\.sequence) == [9, 10, 11])
      let open = try store.openRollouts()
      #expect(
        open == [
          OpenRollout(
            id: ID("r"), pair: ID("p"), batch: [one], first: ID("n1"), second: ID("n2"), sweep: ID("s"),
            startedAt: noon,
            steps: [
              RolloutStepOutcome(step: .check, failure: nil),
              RolloutStepOutcome(step: .stage(.first), failure: Failure(.diskFull, "no room")),
            ])
        ])
      _ = try await store.append(
        [.rolloutEnded(rollout: ID("r"), end: .abandoned, cause: nil)], sweep: nil, at: noon)
      #expect(try store.openRollouts().isEmpty)
    }
  }

  @Test func lostOrdersAreNamed() async throws {
    try await withDirectory { directory in
      let store = try open(directory)
      for number in 1...3 { _ = try await store.append(CrashTests.tryOf(number), sweep: ID("s"), at: noon) }
      let lost = AttemptReference(spec: ID("p/2"), attempt: ID("a2"))
      _ = try await store.append(
        [
          .attemptFailed(of: lost, failure: Failure(.orderLost, "killed")),
          .attemptFailed(
            of: AttemptReference(spec: ID("p/3"), attempt: ID("a3")), failure: Failure(.caaForbids, "orderLost")),
        ], sweep: ID("t"), at: noon)

      #expect(try store.lostOrders().map(\.sequence) == [13])
      #expect(try store.lostOrders(in: ID("t")).map(\.sequence) == [13])
      #expect(try store.lostOrders(in: ID("s")).isEmpty)

      // E9: the run that noticed it was killed: the next one tells, and then it is told.
      #expect(try store.untoldLostOrders().map(\.sequence) == [13])
      _ = try await store.append(
        [.sweepStarted(sweep: ID("u"), seed: 1, purpose: .run), .sweepEnded(sweep: ID("u"), end: .completed)],
        sweep: ID("u"), at: noon)
      #expect(try store.untoldLostOrders().isEmpty)
    }
  }

  @Test func aReportStaysInTheOutboxUntilAServerTookIt() async throws {
    try await withDirectory { directory in
      let message: [UInt8] = Array("Subject: x\r\n\r\n\u{0}binary".utf8) + [0xFF, 0x00]
      let mail: Int64
      do {
        let store = try open(directory)
        mail = try await store.queueMail(
          subject: "Report\u{0}", message: message, from: "a@example.org", to: ["b@example.org", "c@example.org"],
          sweep: nil, at: noon)
        try await store.markFailed(mail, detail: "451 later", sweep: nil, at: noon.addingTimeInterval(60))
      }

      let store = try open(directory)
      let pending = try #require(try store.pendingMail().first)
      #expect(pending.message == message)
      #expect(pending.subject == "Report\u{0}")
      #expect(pending.recipients == ["b@example.org", "c@example.org"])
      #expect(pending.attempts == 1)
      #expect(pending.lastDetail == "451 later")
      #expect(pending.lastAttemptAt == noon.addingTimeInterval(60))
      try await store.markSent(mail, sweep: nil, at: noon.addingTimeInterval(120))
      #expect(try store.pendingMail().isEmpty)
      await #expect(throws: JournalError.self) { try await store.markSent(99, sweep: nil, at: noon) }
      #expect(try store.counts() == ["mailQueued": 1, "mailFailed": 1, "mailSent": 1])
      #expect(try store.refold().isEmpty)
    }
  }

  @Test func mailsQueuedAtOnceGetNumbersOfTheirOwn() async throws {
    try await withDirectory { directory in
      let store = try open(directory)

      let numbers = try await withThrowingTaskGroup(of: Int64.self) { group in
        for number in 0..<20 {
          group.addTask {
            try await store.queueMail(
              subject: "\(number)", message: Array("\(number)".utf8), from: "a", to: ["b"], sweep: nil, at: noon)
          }
        }
        return try await group.reduce(into: []) { $0.append($1) }
      }

      #expect(numbers.sorted() == Array(1...20))
      for mail in try store.pendingMail() { #expect(mail.message == Array(mail.subject.utf8)) }
    }
  }

  @Test func aBackupTakenWhileOthersWriteIsAJournalOfItsOwn() async throws {
    try await withDirectory { directory in
      let store = try open(directory)
      for number in 0..<20 { _ = try await store.append(CrashTests.tryOf(number), sweep: nil, at: noon) }
      let restored = directory + "/restored"
      try FileManager.default.createDirectory(atPath: restored, withIntermediateDirectories: true)

      try await withThrowingTaskGroup(of: Void.self) { group in
        group.addTask {
          for number in 20..<60 { _ = try await store.append(CrashTests.tryOf(number), sweep: nil, at: noon) }
        }
        group.addTask { try store.backup(to: restored + "/journal.sqlite") }
        try await group.waitForAll()
      }

      #expect(try FileManager.default.contentsOfDirectory(atPath: restored) == ["journal.sqlite"])
      let copy = try open(restored)
      #expect(try copy.head().sequence >= 80)
      #expect(try copy.verifyChain() == .intact(try copy.head()))
      #expect(try copy.refold().isEmpty)
      #expect(throws: JournalError.self) { try store.backup(to: restored + "/journal.sqlite") }
    }
  }

  @Test func aSettingIsRemembered() async throws {
    try await withDirectory { directory in
      let store = try open(directory)
      #expect(try store.setting("list") == nil)

      try await store.set("list", to: "1")
      try await store.set("list", to: "2\u{0}3")

      #expect(try store.setting("list") == "2\u{0}3")
    }
  }
}
