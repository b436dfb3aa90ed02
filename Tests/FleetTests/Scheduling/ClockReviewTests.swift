import Foundation
import Testing

@testable import Fleet

/// H14: a wrong clock, or a CA near its end, never makes a run order the same again and again.
@Suite struct ClockReviewTests {
  private let noon = SmallFleet.noon
  private let day = SmallFleet.day

  private func survey(_ skew: Int, _ other: Int? = nil) -> (Pair, Date) -> PairSurvey {
    { pair, now in
      var survey = ScriptedWorld.healthy(pair, at: now)
      survey.clockSkews = [pair.nodes[0].id: skew, pair.nodes[1].id: other ?? skew]
      return survey
    }
  }

  private func served(_ name: String, left: Double) throws -> CertificateState {
    SmallFleet.served(try SmallFleet.spec(name), issuedAt: noon.addingTimeInterval((left - 90) * day))
  }

  // The intermediate is near its end: what is issued is due at once.
  @Test func whatWasIssuedInThisRunIsNotDueInItAndIsDeployed() throws {
    let names = try (0..<4).map { CertificateState(spec: try SmallFleet.spec("n\($0)")) }
    var world = ScriptedWorld(SmallFleet.state(names))
    world.validFrom = { [day] in $0.addingTimeInterval(-85 * day) }

    #expect(try world.run(atMost: day))

    #expect(world.issued.count == 4)
    #expect(names.allSatisfy { world.isServed($0.spec.id) })
  }

  @Test(arguments: [-5.0, 5.0]) func withAWrongClockOnlyWhatIsInDangerIsOrderedOnce(days: Double) throws {
    // Left by our clock; by the CA's it is `days` less.
    let certificates = [
      try served("safe", left: 20 + max(days, 0)), try served("danger", left: 9 + days),
      CertificateState(spec: try SmallFleet.spec("new")),
    ]
    var world = ScriptedWorld(SmallFleet.state(certificates))
    let skew = days * day
    world.survey = survey(Int(skew))
    world.validFrom = { $0.addingTimeInterval(skew - 85 * SmallFleet.day) }
    world.dispatcher.hear(authority: [skew, skew])

    #expect(try world.run(atMost: day))

    #expect(world.issued == [SpecID("lb0/danger")])
    let title = try #require(world.dispatcher.clock.title)
    #expect(
      title.hasPrefix("This machine's clock is 5 d \(days < 0 ? "ahead of" : "behind") the CA's and of 2 of 2"))
    #expect(title.contains("only certificates in danger are ordered, once each"))
  }

  // H14: by our clock it is not even due.
  @Test func aClockThatIsBehindHidesNothingThatIsInDanger() throws {
    let certificate = SmallFleet.served(
      try SmallFleet.spec("short"), issuedAt: noon.addingTimeInterval(-3.5 * day), days: 9)
    var world = ScriptedWorld(SmallFleet.state([certificate]))
    let skew = 5 * day
    world.survey = survey(Int(skew))
    world.validFrom = { $0.addingTimeInterval(skew) }
    world.dispatcher.hear(authority: [skew, skew])

    #expect(try world.run(atMost: day))

    #expect(world.issued == [certificate.spec.id])
  }

  @Test func aNodesClockAloneStopsNothing() throws {
    var world = ScriptedWorld(SmallFleet.state([CertificateState(spec: try SmallFleet.spec("new"))]))
    world.survey = survey(2 * 86_400, 0)
    world.dispatcher.hear(authority: [0, 1])

    #expect(try world.run())

    #expect(world.issuedCount == 1)
    #expect(world.dispatcher.clock.title == nil)
  }

  @Test func aCAThatDisagreesWithUsAndTheNodesIsNamedAndStopsNothing() throws {
    var world = ScriptedWorld(SmallFleet.state([CertificateState(spec: try SmallFleet.spec("new"))]))
    world.survey = survey(0)
    world.dispatcher.hear(authority: [86_400, 86_400])

    #expect(try world.run())

    #expect(world.issuedCount == 1)
    #expect(world.dispatcher.clock.error == nil)
    #expect(world.dispatcher.clock.title?.hasPrefix("The CA's clock is") == true)
  }

  @Test func oneAnswerIsNoVerdictAndTenMinutesAreOnlySaid() throws {
    var clock = ClockReview()
    clock.heard(authority: -86_400)
    #expect(clock.title == nil)

    clock = ClockReview()
    clock.heard([NodeID("a"): 600, NodeID("b"): 601])
    for _ in 0..<2 { clock.heard(authority: 600) }

    #expect(!clock.stopsOrders)
    #expect(clock.title == "This machine's clock is 10 min behind the CA's and of 2 of 2 nodes")
  }
}
