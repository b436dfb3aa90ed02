import Fleet
import Foundation
import Testing

/// Seeing is a step of every sweep: B2, B12.
@Suite struct DispatcherSeeingTests {
  private let noon = SmallFleet.noon
  private let spec = SpecID("lb0/n0")

  private func world(_ certificates: [CertificateState], surveysAll: Bool = true) -> ScriptedWorld {
    ScriptedWorld(SmallFleet.state(certificates), surveysAll: surveysAll, seesServed: true)
  }

  @Test func aSweepLooksAtEveryKeptCertificateOnce() throws {
    var world = world([
      SmallFleet.served(try SmallFleet.spec("n0")), SmallFleet.served(try SmallFleet.spec("n1", pair: "lb1")),
    ])

    #expect(try world.run())

    #expect(world.looked == [[SpecID("lb0/n0")], [SpecID("lb1/n1")]])
    #expect(world.rollouts.isEmpty)
  }

  @Test func aRunLooksAtThePairsThatItWorksOn() throws {
    let due = SmallFleet.served(try SmallFleet.spec("n0"), issuedAt: noon - 70 * 86_400)
    let kept = SmallFleet.served(try SmallFleet.spec("n2"))
    var world = world(
      [due, kept, SmallFleet.served(try SmallFleet.spec("n1", pair: "lb1"))], surveysAll: false)

    #expect(try world.run())

    #expect(world.looked == [[SpecID("lb0/n0"), SpecID("lb0/n2")]])
  }

  @Test func whatIsMissingIsRedeployedInTheSameRunWithoutAnOrder() throws {
    var world = world([SmallFleet.served(try SmallFleet.spec("n0"))])
    world.seen = { _ in
      [.driftSeen(spec: SpecID("lb0/n0"), place: .node(NodeID("lb0-b")), drift: Drift(.missing, "no file"))]
    }

    #expect(try world.run())

    #expect(world.issued.isEmpty)
    #expect(world.rollouts.map(\.first) == [NodeID("lb0-b")])
    #expect(world.rollouts.allSatisfy { $0.second == nil })
  }

  @Test func nothingIsOrderedOrRolledOutOnAPairBeforeItWasLookedAt() throws {
    let due = SmallFleet.served(try SmallFleet.spec("n0"), issuedAt: noon - 70 * 86_400)
    var world = world([due])
    world.seen = { _ in
      let seen = SeenLeaf(sha256: "else", serial: "FF", notAfter: SmallFleet.noon + 30 * 86_400)
      return [
        .driftSeen(spec: SpecID("lb0/n0"), place: .node(NodeID("lb0-a")), drift: Drift(.replaced, seen: seen, "else"))
      ]
    }

    #expect(try world.run())

    #expect(world.issued.isEmpty)
    #expect(world.rollouts.isEmpty)
  }

  @Test func fewPairsAreLookedAtAtATime() throws {
    let certificates = try (0..<30).map { SmallFleet.served(try SmallFleet.spec("n", pair: "lb\($0)")) }
    var most = 0
    var world = ScriptedWorld(
      SmallFleet.state(certificates), inventory: SmallFleet.inventory(pairs: 30), surveysAll: true, seesServed: true)
    var underWay: Set<Date> = []
    world.watch = { begun, _ in
      guard case .see = begun.work else { return }
      underWay.insert(begun.at)
    }

    #expect(try world.run())

    for moment in underWay {
      most = max(most, world.begun.count { if case .see = $0.work { $0.at == moment } else { false } })
    }
    #expect(most <= 8)
    #expect(world.looked.count == 30)
  }
}
