import Fleet
import Foundation
import Testing

@testable import Journal

/// What the journal keeps of things that have another id now.
@Suite struct MoveTests {
  // C2: with the id of its VIP the certificate has another id; what was issued and its leaf go along.
  @Test func whatWasIssuedGoesAlongWithARenamedCertificate() async throws {
    try await withDirectory { directory in
      let store = try open(directory)
      let of = AttemptReference(spec: ID("p/1"), attempt: ID("a1"))
      var issued = StoredShapes.certificate
      (issued.attempt, issued.sha256) = (of.attempt, String(repeating: "ab", count: 32))
      _ = try await store.append(
        CrashTests.tryOf(1) + [
          .orderCreated(of: of, url: "https://ca.example/1"), .finalizeRequested(of: of),
          .issued(of: of, certificate: issued),
          .hostKeysPinned(node: ID("n"), keys: ["ssh-ed25519 AAAA"]),
          .installed(node: ID("n"), certificates: [of], proof: .wire, reason: "seen"),
          .served(certificates: [of]), .pairPaused(pair: ID("p")),
        ], sweep: nil, at: noon)
      let before = try #require(try store.fleetState().certificates[ID("p/1")])
      var spec = before.spec
      (spec.id, spec.pair, spec.vip) = (ID("q/1"), ID("q"), ID("other"))

      _ = try await store.append(
        [
          .specMoved(from: ID("p/1"), to: spec), .pairMoved(from: ID("p"), to: ID("q")),
          .nodeMoved(from: ID("n"), to: ID("m"), certificates: [ID("q/1")]),
        ], sweep: nil, at: noon)

      let state = try store.fleetState()
      let after = try #require(state.certificates[ID("q/1")])
      #expect(state.certificates.count == 1)
      #expect(after.issued == before.issued)
      #expect(after.served == before.served)
      #expect(after.revision == before.revision)
      let installation = try #require(before.installations[ID("n")])
      #expect(after.installations == [ID("m"): installation])
      #expect(state.nodes.mapValues(\.hostKeys) == [ID("m"): ["ssh-ed25519 AAAA"]])
      #expect(state.pairs.keys.sorted() == [ID("q")])
      #expect(try store.leaves(of: [ID("q/1")]) == [ID("q/1"): [issued.sha256]])
      #expect(try store.refold().isEmpty)
      #expect(try store.unwantedKeys() == UnwantedKeys([]))
    }
  }
}
