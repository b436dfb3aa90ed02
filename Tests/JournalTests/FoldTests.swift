import Fleet
import Foundation
import Testing

@testable import Journal

@Suite struct FoldTests {
  @Test(arguments: 1...24 as ClosedRange<UInt64>)
  func theTablesHoldTheFoldAfterEveryPrefix(seed: UInt64) async throws {
    try await withDirectory { directory in
      let store = try open(directory)
      var walk = EventWalk(seed: seed)
      var sequence: Int64 = 0
      var appended = 0

      for step in 0..<120 {
        let events = walk.next()
        let now = noon.addingTimeInterval(Double(step) * 60.5)
        let records = try await store.append(events, sweep: step % 3 == 0 ? nil : ID("s\(step / 40)"), at: now)
        #expect(records.map(\.event).count == events.count)
        appended += events.count
        for record in try store.recordsAfter(sequence) {
          try walk.state.apply(record)
          sequence = record.sequence
        }

        let kept = try store.fleetState()
        try #require(kept == walk.state, "seed \(seed), step \(step), after \(events)")
        if step % 10 == 9 { #expect(try store.refold().isEmpty) }
      }

      #expect(sequence == Int64(appended))
      #expect(try store.refold().isEmpty)
      guard case .intact(let head) = try store.verifyChain() else {
        Issue.record("the chain is broken")
        return
      }
      #expect(head.sequence == sequence)
    }
  }

  @Test func hostileTextComesBackByteForByte() async throws {
    try await withDirectory { directory in
      let store = try open(directory)

      for (index, text) in hostileTexts.enumerated() {
        _ = try await store.append(
          [
            .nodeSurveyed(node: ID("n\(index)"), facts: text),
            .pairTroubled(pair: ID("p\(index)"), failure: Failure(.splitBrain, text, name: text)),
            .accountRegistered(authority: ID("a\(index)"), url: text, thumbprint: text),
          ], sweep: nil, at: noon)
      }

      let state = try store.fleetState()
      let events = try store.recordsAfter(0).map(\.event)
      for (index, text) in hostileTexts.enumerated() {
        // Swift's == takes composed and decomposed letters for the same: bytes are compared.
        #expect(state.nodes[ID("n\(index)")]?.facts.map { Array($0.utf8) } == Array(text.utf8))
        #expect(state.pairs[ID("p\(index)")]?.trouble.map { Array($0.detail.utf8) } == Array(text.utf8))
        #expect(state.accounts[ID("a\(index)")].map { Array($0.url.utf8) } == Array(text.utf8))
        guard case .nodeSurveyed(_, let facts) = events[index * 3] else {
          Issue.record("another event")
          continue
        }
        #expect(Array(facts.utf8) == Array(text.utf8))
      }
      #expect(try store.refold().isEmpty)
    }
  }

  @Test func anIllegalEventIsRefusedWholeAndLeavesNoTrace() async throws {
    try await withDirectory { directory in
      let store = try open(directory)
      let spec = EventWalk.plainSpec(ID("p/one"))
      let of = AttemptReference(spec: spec.id, attempt: ID("a1"))
      _ = try await store.append(
        [.specAdded(spec), .attemptStarted(of: of, names: spec.names, authority: ID("ca"), revision: 1)], sweep: nil,
        at: noon)
      let before = try store.fleetState()

      await #expect(throws: JournalError.self) {
        try await store.append([.pairPaused(pair: ID("p")), .orderRequested(of: of)], sweep: nil, at: noon)
      }

      #expect(try store.fleetState() == before)
      #expect(try store.head().sequence == 2)
      #expect(try store.refold().isEmpty)
    }
  }

  @Test func whatIsHandedBackIsWhatWasStored() async throws {
    try await withDirectory { directory in
      let store = try open(directory)
      let failure = Failure(.rateLimited, "slow down", retryAfter: noon.addingTimeInterval(0.75))

      let records = try await store.append(
        [.pairTroubled(pair: ID("p"), failure: failure)], sweep: nil, at: noon.addingTimeInterval(0.9))

      #expect(try store.recordsAfter(0) == records)
      #expect(records.first?.at == noon)
    }
  }
}

extension EventWalk {
  static func plainSpec(_ id: SpecID, names: [String] = ["one.example.org"]) -> CertificateSpec {
    CertificateSpec(
      id: id, pair: ID("p"), vip: ID("v1"), customer: ID("c1"), label: id.rawValue.replacing("/", with: "-"),
      names: nameSet(names), key: .ecdsaP256, profile: nil,
      registeredDomains: ["example.org"], source: "domains.csv")
  }
}
