import Fleet
import Foundation
import Testing

/// Which keys of certificates that are no longer wanted may still lie where.
@Suite struct UnwantedKeysTests {
  private func record(_ events: [Event]) -> [Record] {
    events.enumerated().map {
      Record(sequence: Int64($0.offset + 1), at: SmallFleet.noon, sweep: nil, event: $0.element)
    }
  }

  private func begun(_ spec: CertificateSpec, _ attempt: String) -> Event {
    .attemptStarted(
      of: AttemptReference(spec: spec.id, attempt: AttemptID(attempt)), names: spec.names,
      authority: SmallFleet.authority, revision: 1)
  }

  @Test func everyTryIsLookedForOnEachNodeUntilItIsKnownToBeGoneThere() throws {
    let (one, two) = (try SmallFleet.spec("one"), try SmallFleet.spec("two", pair: "lb1"))
    let node = NodeID("lb0-a")
    let unwanted = UnwantedKeys(
      record([
        .specAdded(one), begun(one, "a1"), begun(one, "a2"), .specAdded(two), begun(two, "b1"),
        .keysRemoved(node: node, attempts: [AttemptID("a1")]),
      ]))

    #expect(unwanted.left(of: PairID("lb0"), on: node) == [AttemptID("a2")])
    #expect(unwanted.left(of: PairID("lb0"), on: NodeID("lb0-b")) == [AttemptID("a1"), AttemptID("a2")])
    #expect(unwanted.left(of: PairID("lb1"), on: NodeID("lb1-a")) == [AttemptID("b1")])
    #expect(unwanted.pairs(in: SmallFleet.inventory()) == [PairID("lb0"), PairID("lb1")])
  }

  @Test func whereAllAreGoneNobodyIsAsked() throws {
    let one = try SmallFleet.spec("one")
    let gone = ["lb0-a", "lb0-b"].map { Event.keysRemoved(node: NodeID($0), attempts: [AttemptID("a1")]) }

    #expect(UnwantedKeys(record([.specAdded(one), begun(one, "a1")] + gone)).pairs(in: SmallFleet.inventory()).isEmpty)
  }
}
