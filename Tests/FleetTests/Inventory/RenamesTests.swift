import Fleet
import Foundation
import Testing

/// C2: an id that changes is no new thing where the address says that it is the old one.
@Suite struct RenamesTests {
  private static func pair(
    _ id: String, vips: [String: String] = ["web": "198.51.100.7"], nodes: [String: String] = ["a": "192.0.2.1"]
  ) -> Pair {
    Pair(
      id: PairID(id), customer: nil, appliance: .haproxy,
      nodes: nodes.sorted { $0.key < $1.key }.map { name, address in
        Node(
          id: NodeID(name), address: address, ssh: SSHSettings(user: "root"), active: .address,
          challenge: .usualThumbprint, terminations: [])
      }, vips: vips.sorted { $0.key < $1.key }.map { VIP(id: VIPID($0.key), address: $0.value) })
  }

  private static func renames(_ old: [Pair], _ new: [Pair]) -> Renames {
    Renames(from: InventoryPlaces(old), to: InventoryPlaces(new))
  }

  private static func spec(_ id: String, pair: String, vip: String) throws -> CertificateSpec {
    CertificateSpec(
      id: SpecID(id), pair: PairID(pair), vip: VIPID(vip), customer: nil, label: "www.example.org",
      names: try #require(NameSet(["www.example.org"])), key: .ecdsaP256, profile: nil,
      registeredDomains: ["example.org"], source: nil)
  }

  @Test func aVIPWithAnotherIDAtTheSameAddressKeepsItsCertificates() throws {
    let renames = Self.renames([Self.pair("p")], [Self.pair("p", vips: ["www": "198.51.100.7"])])

    let moved = try #require(renames.renamed(try Self.spec("p/web/www.example.org", pair: "p", vip: "web")))
    #expect(moved.id == SpecID("p/www/www.example.org"))
    #expect(moved.vip == VIPID("www"))
    #expect(moved.label == "www.example.org")
    let labelled = try #require(renames.renamed(try Self.spec("p/shop", pair: "p", vip: "web")))
    #expect(labelled.id == SpecID("p/shop"))
  }

  @Test func aPairAndItsNodesMayBeRenamedAtOnce() throws {
    let renames = Self.renames([Self.pair("p")], [Self.pair("q", nodes: ["z": "192.0.2.1"])])

    #expect(renames.pairs == [PairID("p"): PairID("q")])
    #expect(renames.nodes == [NodeID("a"): NodeID("z")])
    let moved = try #require(renames.renamed(try Self.spec("p/web/www.example.org", pair: "p", vip: "web")))
    #expect(moved.id == SpecID("q/web/www.example.org"))
  }

  @Test func anotherAddressIsAnotherThing() {
    let renames = Self.renames(
      [Self.pair("p")], [Self.pair("p", vips: ["www": "198.51.100.8"], nodes: ["z": "192.0.2.9"])])

    #expect(renames.vips.isEmpty)
    #expect(renames.nodes.isEmpty)
    #expect(renames.doubts.isEmpty)
  }

  @Test func whereTwoCouldBeMeantNothingIsRenamedAndItIsSaid() {
    let renames = Self.renames(
      [Self.pair("p")], [Self.pair("p", vips: ["one": "198.51.100.7", "two": "198.51.100.7"])])

    #expect(renames.vips.isEmpty)
    #expect(renames.doubts.count == 1)
  }

  @Test func whatIsAsItWasIsNotRenamed() {
    let renames = Self.renames([Self.pair("p")], [Self.pair("p"), Self.pair("q", nodes: ["b": "192.0.2.2"])])

    #expect(renames.vips.isEmpty && renames.pairs.isEmpty && renames.nodes.isEmpty)
  }

  @Test func aFoldWithAllEventsOfARenameKeepsWhatIsServedAndNeedsNoOrder() throws {
    var spec = try Self.spec("lb0/web/www.example.org", pair: "lb0", vip: "web")
    spec.label = "www"
    let old = SmallFleet.served(spec)
    var state = SmallFleet.state([old])
    state.nodes[NodeID("lb0-a")] = NodeState(hostKeys: ["ssh-ed25519 AAAA"])
    let renames = Self.renames(
      [Self.pair("lb0", nodes: ["lb0-a": "192.0.2.1", "lb0-b": "192.0.2.2"])],
      [Self.pair("lb9", vips: ["www": "198.51.100.7"], nodes: ["lb9-a": "192.0.2.1", "lb0-b": "192.0.2.2"])])

    // Nodes decide which pair it is, so one event each.
    #expect(renames.pairs == [PairID("lb0"): PairID("lb9")])
    for event in renames.events(in: state) {
      try state.apply(Record(sequence: 1, at: SmallFleet.noon, sweep: nil, event: event))
    }

    let after = try #require(state.certificates[SpecID("lb9/www/www.example.org")])
    #expect(state.certificates.count == 1)
    #expect(after.served == old.served && after.issued == old.issued && after.revision == old.revision)
    #expect(after.installations.keys.sorted() == [NodeID("lb0-b"), NodeID("lb9-a")])
    #expect(after.keyNode == NodeID("lb9-a"))
    #expect(state.nodes[NodeID("lb9-a")]?.hostKeys == ["ssh-ed25519 AAAA"])
    #expect(state.nodes[NodeID("lb0-a")] == nil)
    #expect(renames.events(in: state).isEmpty)
  }
}
