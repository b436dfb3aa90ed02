import Fleet
import Foundation
import Testing

@testable import Journal

/// What the journal tells of certificates that were taken out, and of rollouts that are over.
@Suite struct RemovalTests {
  @Test func onlyKeysOfCertificatesThatAreNotWantedNowAreUnwanted() async throws {
    try await withDirectory { directory in
      let store = try open(directory)
      for number in 1...3 { _ = try await store.append(CrashTests.tryOf(number), sweep: nil, at: noon) }
      #expect(try store.unwantedKeys() == UnwantedKeys([]))
      _ = try await store.append(
        [.specRemoved(spec: ID("p/1")), .specRemoved(spec: ID("p/2"))], sweep: nil, at: noon.addingTimeInterval(60))
      // Wanted again: its keys are its own history now.
      _ = try await store.append([CrashTests.tryOf(2)[0]], sweep: nil, at: noon)
      let pair = EventWalk.plainSpec(SpecID("p/1"), names: ["n1.example.org"]).pair

      #expect(try store.unwantedKeys().left(of: pair, on: ID("n")) == [AttemptID("a1")])
      #expect(try store.removals() == [ID("p/1"): noon.addingTimeInterval(60), ID("p/2"): noon.addingTimeInterval(60)])

      _ = try await store.append([.keysRemoved(node: ID("n"), attempts: [ID("a1")])], sweep: nil, at: noon)
      #expect(try store.unwantedKeys().left(of: pair, on: ID("n")).isEmpty)
      #expect(try store.unwantedKeys().left(of: pair, on: ID("m")) == [AttemptID("a1")])
    }
  }

  // C1: a leaf that was ever issued is ours, whatever was removed since.
  @Test func aLeafStaysOursWhenItsCertificateIsRemovedAndComesBack() async throws {
    try await withDirectory { directory in
      let store = try open(directory)
      let of = AttemptReference(spec: ID("p/1"), attempt: ID("a1"))
      var issued = StoredShapes.certificate
      (issued.attempt, issued.sha256) = (of.attempt, String(repeating: "ab", count: 32))
      _ = try await store.append(
        CrashTests.tryOf(1) + [
          .orderCreated(of: of, url: "https://ca.example/1"), .finalizeRequested(of: of),
          .issued(of: of, certificate: issued),
        ], sweep: nil, at: noon)

      _ = try await store.append([.specRemoved(spec: ID("p/1"))], sweep: nil, at: noon)

      #expect(try store.owner(ofLeaf: issued.sha256.uppercased()) == ID("p/1"))
      #expect(try store.owner(ofLeaf: "00") == nil)
      #expect(try store.leaves(of: [ID("p/1"), ID("p/2")]) == [ID("p/1"): [issued.sha256], ID("p/2"): []])
      #expect(try store.refold().isEmpty)
    }
  }

  // C3: a mark is known by its word on any node, and stays known.
  @Test func marksThatWereLeftOrAcceptedAreKnown() async throws {
    try await withDirectory { directory in
      let store = try open(directory)
      let accepted = AcceptedMark(node: ID("n"), controller: "c2", word: "theirs")
      for word in ["first", "second"] {
        _ = try await store.append([.marked(node: ID("n"), controller: "c1", word: word)], sweep: nil, at: noon)
      }
      _ = try await store.append(
        [.takenOver(controller: "c1", pairs: [ID("p")], marks: [accepted], overwrites: [])], sweep: nil, at: noon)
      func knows(_ controller: String, _ word: String) throws -> Bool {
        try store.knows(NodeMark(controller: controller, position: 1, word: word))
      }

      #expect(try knows("c1", "first"))
      #expect(try knows("c2", "theirs"))
      #expect(try !knows("c2", "first"))
      #expect(try !knows("c1", "third"))
      #expect(try store.newestMarks(on: ID("n"), limit: 2).map(\.word) == ["theirs", "second"])
      #expect(try store.refold().isEmpty)
    }
  }

  // C3: a backup goes into an empty directory only, whole or not at all.
  @Test func aBackupIsRestoredIntoAnEmptyDirectoryOnly() async throws {
    try await withDirectory { directory in
      let store = try open(directory)
      _ = try await store.append([.pairPaused(pair: ID("p"))], sweep: nil, at: noon)
      let file = directory + "/backup"
      try store.backup(to: file)

      try JournalStore.restore(from: file, into: directory + "/new", hash: store.hash)

      #expect(try open(directory + "/new").fleetState().isPaused(ID("p"), at: noon))
      #expect(throws: JournalError.self) {
        try JournalStore.restore(from: file, into: directory + "/new", hash: store.hash)
      }
      #expect(throws: JournalError.self) {
        try JournalStore.restore(from: "/etc/hostname", into: directory + "/newer", hash: store.hash)
      }
    }
  }

  @Test func onlyRolloutsThatThisJournalKnowsAndThatEndedAreOver() async throws {
    try await withDirectory { directory in
      let store = try open(directory)
      for rollout in ["r1", "r2"] {
        _ = try await store.append(
          [.rolloutStarted(rollout: ID(rollout), pair: ID("p"), batch: [], first: ID("n"), second: nil)], sweep: nil,
          at: noon)
      }
      _ = try await store.append(
        [.rolloutEnded(rollout: ID("r1"), end: .abandoned, cause: nil)], sweep: nil, at: noon)

      #expect(try store.endedRollouts(among: ["r1", "r2", "stranger", ""]) == [ID("r1")])
    }
  }
}
