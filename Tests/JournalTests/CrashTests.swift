import Fleet
import Foundation
import Glibc
import PKI
import Testing

@testable import Journal

/// Real processes, really killed: each exit test is a child that ends in the middle of its work.
@Suite(.serialized) struct CrashTests {
  /// The writer's SQL statements are counted, and the child kills itself before the n-th: before, within and after every transaction.
  @Test(arguments: Array(stride(from: 1, through: 121, by: 6)))
  func aProcessKilledBetweenTwoStatementsLeavesNothingHalf(statement: Int) async throws {
    try await withDirectory { directory in
      await #expect(processExitsWith: .signal(SIGKILL)) { [directory = directory as String, statement] in
        try await CrashTests.append(in: directory, untilStatement: statement)
      }

      try check(directory)
    }
  }

  @Test(arguments: [37, 74, 111, 148, 185, 222])
  func aProcessKilledUnderManyWritersLosesNothingThatWasAcknowledged(answers: Int) async throws {
    try await withDirectory { directory in
      await #expect(processExitsWith: .signal(SIGKILL)) { [directory = directory as String, answers] in
        try await CrashTests.appendFromManyTasks(in: directory, untilAnswer: answers)
      }

      try check(directory)
    }
  }

  @Test func twoProcessesAppendAtOnceWithoutAGap() async throws {
    try await withDirectory { directory in
      async let stranger: Void = appendInAnotherProcess(directory)
      let store = try open(directory)
      for number in 0..<150 {
        let records = try await store.append(CrashTests.tryOf(number), sweep: ID("s"), at: noon)
        #expect(records.last.map(\.sequence) == records.first.map { $0.sequence + 3 })
      }
      await stranger

      let records = try store.recordsAfter(0)
      #expect(records.map(\.sequence) == Array(1...1_200))
      #expect(try store.fleetState().certificates.count == 300)
      #expect(try store.verifyChain() == .intact(try store.head()))
      #expect(try store.refold().isEmpty)
    }
  }

  private func appendInAnotherProcess(_ directory: String) async {
    await #expect(processExitsWith: .success) { [directory] in
      let store = try open(directory)
      for number in 0..<150 {
        _ = try await store.append(CrashTests.tryOf(1_000_000 + number), sweep: nil, at: noon)
      }
    }
  }

  static func append(in directory: String, untilStatement last: Int) async throws {
    let statements = Counter()
    let isArmed = Counter()
    let store = try open(
      directory,
      tuning: .init(trace: { _ in
        if isArmed.value > 0, statements.increment() == last { kill(getpid(), SIGKILL) }
      }))
    isArmed.increment()
    for number in 0... {
      let records = try await store.append(tryOf(number), sweep: ID("s"), at: noon)
      try acknowledge(records, in: directory)
    }
  }

  static func appendFromManyTasks(in directory: String, untilAnswer last: Int) async throws {
    let store = try open(directory)
    let answers = Counter()
    try await withThrowingTaskGroup(of: Void.self) { group in
      for writer in 0..<16 {
        group.addTask {
          for number in 0... {
            let records = try await store.append(tryOf(writer * 1_000_000 + number), sweep: ID("s"), at: noon)
            try acknowledge(records, in: directory)
            if answers.increment() == last { kill(getpid(), SIGKILL) }
          }
        }
      }
      try await group.waitForAll()
    }
  }

  /// Four events that stand or fall together.
  static func tryOf(_ number: Int) -> [Event] {
    let spec = EventWalk.plainSpec(SpecID("p/\(number)"), names: ["n\(number).example.org"])
    let of = AttemptReference(spec: spec.id, attempt: AttemptID("a\(number)"))
    return [
      .specAdded(spec), .attemptStarted(of: of, names: spec.names, authority: AuthorityID("ca"), revision: 1),
      .keyMade(of: of, key: Attempt.Key(node: NodeID("n"), request: "CSR")), .orderRequested(of: of),
    ]
  }

  /// Writes down what `append` answered, beyond the reach of SIGKILL: one `write` of one line.
  static func acknowledge(_ records: [Record], in directory: String) throws {
    let descriptor = Glibc.open(directory + "/acknowledged", O_WRONLY | O_CREAT | O_APPEND, 0o600)
    defer { close(descriptor) }
    let line = Array("\(records.last?.sequence ?? 0)\n".utf8)
    #expect(write(descriptor, line, line.count) == line.count)
  }

  private func check(_ directory: String) throws {
    let store = try open(directory)
    let records = try store.recordsAfter(0)
    #expect(records.map(\.sequence) == (0..<records.count).map { Int64($0 + 1) })
    #expect(records.count.isMultiple(of: 4))
    let acknowledged = FileManager.default.contents(atPath: directory + "/acknowledged") ?? Data()
    for line in String(decoding: acknowledged, as: UTF8.self).split(separator: "\n") {
      #expect(Int(line).map { $0 <= records.count } == true)
    }
    let state = try store.fleetState()
    #expect(state.certificates.count == records.count / 4)
    for certificate in state.certificates.values {
      guard case .ordering = certificate.attempt?.state else {
        Issue.record("half a transaction: \(certificate)")
        continue
      }
    }
    #expect(try store.verifyChain() == .intact(try store.head()))
    #expect(try store.refold().isEmpty)
  }
}
