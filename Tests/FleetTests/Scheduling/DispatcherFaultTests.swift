import Fleet
import Foundation
import Testing

/// Runs in which something fails, once, for a while or for ever: each comes to its end, and nothing is tried without end.
@Suite struct DispatcherFaultTests {
  private let noon = SmallFleet.noon
  private let day = SmallFleet.day
  private let n0 = SpecID("lb0/n0")

  private func new(_ count: Int) throws -> [CertificateState] {
    try (0..<count).map { CertificateState(spec: try SmallFleet.spec("n\($0)")) }
  }

  /// A renewal that was issued and waits for its rollout; what is served has `left` days of 90.
  private func undeployed(_ left: Double) throws -> CertificateState {
    var certificate = SmallFleet.served(try SmallFleet.spec("n0"), issuedAt: noon.addingTimeInterval((left - 90) * day))
    certificate.issued = SmallFleet.certificate(AttemptID("new"), from: noon)
    return certificate
  }

  // MARK: Degraded pairs

  @Test func aDegradedPairWaitsWhileItsCertificateIsNotInDanger() throws {
    var world = ScriptedWorld(SmallFleet.state([try undeployed(20)]))
    world.survey = ScriptedWorld.secondDead

    #expect(try world.run())

    #expect(world.rollouts.isEmpty)
    #expect(world.surveyed == [PairID("lb0")])
  }

  @Test func pastTheDangerLineADegradedPairIsServedByTheActiveNodeAlone() throws {
    var world = ScriptedWorld(SmallFleet.state([try undeployed(9)]))
    world.survey = ScriptedWorld.secondDead

    #expect(try world.run())

    let order = try #require(world.rollouts.first)
    #expect(world.rollouts.count == 1)
    #expect(order.first == NodeID("lb0-a"))
    #expect(order.second == nil)
    #expect(order.owing == NodeID("lb0-b"))
    #expect(world.isServed(n0))
  }

  @Test func aPairThatIsToBeServedAtOnceDoesNotWaitForDanger() throws {
    var world = ScriptedWorld(SmallFleet.state(try new(1)), inventory: SmallFleet.inventory(degraded: .deploy))
    world.survey = ScriptedWorld.secondDead

    #expect(try world.run())

    #expect(world.rollouts.map(\.owing) == [NodeID("lb0-b")])
    #expect(world.isServed(n0))
  }

  @Test func aNodeThatReturnsIsPaidItsDebtBeforeAnythingElse() throws {
    let owed = SmallFleet.served(try SmallFleet.spec("owed"), on: ["a"])
    var world = ScriptedWorld(SmallFleet.state([owed, try undeployed(20)]))

    #expect(try world.run())

    #expect(world.rollouts.map(\.first) == [NodeID("lb0-b"), NodeID("lb0-b")])
    #expect(world.rollouts.map(\.second) == [nil, NodeID("lb0-a")])
    #expect(world.rollouts[0].items.map(\.spec) == [SpecID("lb0/owed")])
  }

  @Test func aNodeThatReturnsDuringTheRunIsAskedAgainAndPaid() throws {
    let table = try SmallFleet.limits(orders: 1, everySeconds: 300)
    let states =
      [try undeployed(9)] + (try (1...2).map { CertificateState(spec: try SmallFleet.spec("n\($0)", pair: "lb1")) })
    var world = ScriptedWorld(SmallFleet.state(states), limits: table)
    world.survey = { pair, now in
      pair.id == PairID("lb0") && now < SmallFleet.noon.addingTimeInterval(100)
        ? ScriptedWorld.secondDead(pair, at: now) : ScriptedWorld.healthy(pair, at: now)
    }

    #expect(try world.run())

    let onFirst = world.rollouts.filter { $0.pair == PairID("lb0") }
    #expect(onFirst.map(\.first) == [NodeID("lb0-a"), NodeID("lb0-b")])
    let nodes = world.dispatcher.state.certificates[n0]?.installations.values.map(\.attempt)
    #expect(nodes.map(Set.init) == [AttemptID("new")])
  }

  @Test func withBothNodesDeadNothingIsTouchedAndTheRunEnds() throws {
    var world = ScriptedWorld(
      SmallFleet.state([try undeployed(1)] + [CertificateState(spec: try SmallFleet.spec("n1"))]))
    world.survey = { pair, now in
      var survey = ScriptedWorld.secondDead(pair, at: now)
      survey.unreachable[pair.nodes[0].id] = Failure(.nodeUnreachable, "no route")
      survey.active = [VIPID("web"): .none(Failure(.noActiveNode, "nobody answers"))]
      return survey
    }

    #expect(try world.run())

    #expect(world.rollouts.isEmpty)
    #expect(world.issued.isEmpty)
  }

  @Test func twoActiveNodesStopTheirPairOnly() throws {
    let states = [
      CertificateState(spec: try SmallFleet.spec("n0")), CertificateState(spec: try SmallFleet.spec("n1", pair: "lb1")),
    ]
    var world = ScriptedWorld(SmallFleet.state(states))
    world.survey = { pair, now in
      var survey = ScriptedWorld.healthy(pair, at: now)
      if pair.id == PairID("lb0") { survey.active[VIPID("web")] = .none(Failure(.splitBrain, "both")) }
      return survey
    }

    #expect(try world.run())

    #expect(world.issued == [SpecID("lb1/n1")])
  }

  // MARK: Passing faults

  @Test func aPassingFaultIsTriedAgainAfterTwoEightAndThirtyTwoSecondsThenLeft() throws {
    var world = ScriptedWorld(SmallFleet.state(try new(1)))
    world.attemptFailure = { _, _, _ in Failure(.nodeUnreachable, "no route") }

    #expect(try world.run())

    #expect(world.issueTimes.map { ($0 * 2).rounded() / 2 } == [0.5, 4.5, 14.5, 48.5])
  }

  @Test func aFaultThatPassesIsHealedWithinTheRun() throws {
    var world = ScriptedWorld(SmallFleet.state(try new(1)))
    world.attemptFailure = { _, number, _ in number < 3 ? Failure(.failedOver, "the other is active") : nil }

    #expect(try world.run())

    #expect(world.issued.count == 3)
    #expect(world.isServed(n0))
  }

  @Test func anOperatorsRetryWakesWhatWasLeft() throws {
    let table = try SmallFleet.limits(orders: 6, everySeconds: 3600)
    var world = ScriptedWorld(SmallFleet.state(try new(8)), limits: table)
    world.attemptFailure = { spec, _, now in
      spec == SpecID("lb0/n0") && now < SmallFleet.noon.addingTimeInterval(200) ? Failure(.diskFull, "no space") : nil
    }
    world.schedule([.retryAsked(spec: n0)], after: 300)

    #expect(try world.run())

    let tries = zip(world.issued, world.issueTimes).filter { $0.0 == n0 }.map(\.1)
    #expect(tries.contains { (300...302).contains($0) || $0 > 3_000 })
    #expect(world.isServed(n0))
  }

  @Test func theCAsOwnTimeIsKept() throws {
    var world = ScriptedWorld(SmallFleet.state(try new(1)))
    world.attemptFailure = { _, number, now in
      number == 1 ? Failure(.rateLimited, "slow down", retryAfter: now.addingTimeInterval(500)) : nil
    }

    #expect(try world.run())

    #expect(world.issueTimes.count == 2)
    #expect((502...504).contains(world.issueTimes[1]))
  }

  @Test(arguments: [Failure.Kind.rateLimited, .authorityBusy, .authorityUnreachable])
  func aCAThatSaysAtOnceForEverIsNotHammeredAndKeepsNoRunForEver(kind: Failure.Kind) throws {
    var world = ScriptedWorld(SmallFleet.state(try new(1)))
    world.attemptFailure = { _, _, now in Failure(kind, "again", retryAfter: now) }

    #expect(try world.run())

    #expect(world.issued.count <= 9)
    let gaps = zip(world.issueTimes, world.issueTimes.dropFirst()).map { $1 - $0 }
    #expect(gaps.allSatisfy { $0 >= 3 })
  }

  @Test func aFailureOfTheNameWaitsForItsBackOffInALaterRun() throws {
    var world = ScriptedWorld(SmallFleet.state(try new(2)))
    world.attemptFailure = { spec, _, _ in spec == SpecID("lb0/n0") ? Failure(.port80Closed, "refused") : nil }

    #expect(try world.run())

    #expect(world.issued.count { $0 == SpecID("lb0/n0") } == 1)
    #expect(world.isServed(SpecID("lb0/n1")))
    #expect(world.now < noon.addingTimeInterval(30))
  }

  @Test func anAttemptThatEndsWithoutAWordDoesNotTurnInCircles() throws {
    var world = ScriptedWorld(SmallFleet.state(try new(2)))
    world.attemptVanishes = { spec, _ in spec == SpecID("lb0/n0") }

    #expect(try world.run())

    #expect(world.issued.count { $0 == SpecID("lb0/n0") } == 4)
  }

  // MARK: Rollouts that fail

  @Test func aCertificateThatTheNodeRefusesForAPassingReasonIsNotRolledOutWithoutEnd() throws {
    var world = ScriptedWorld(SmallFleet.state(try new(3)))
    world.fate = { _, _ in .ejecting([SpecID("lb0/n0"): Failure(.diskFull, "no space")]) }

    #expect(try world.run())

    #expect(world.rollouts.count { $0.items.contains { $0.spec == SpecID("lb0/n0") } } == 4)
    #expect(world.isServed(SpecID("lb0/n1")))
  }

  @Test func keysThatAreLostAgainAndAgainCostAFewCertificatesOnly() throws {
    var world = ScriptedWorld(SmallFleet.state(try new(1)))
    world.fate = { _, _ in .ejecting([SpecID("lb0/n0"): Failure(.keyLost, "sealed for nobody")]) }

    #expect(try world.run())

    #expect(world.issuedCount == 3)
  }

  @Test func aKeyThatIsLostOnceMakesANewCertificateInTheSameRun() throws {
    var world = ScriptedWorld(SmallFleet.state(try new(1)))
    world.fate = { _, now in
      now < SmallFleet.noon.addingTimeInterval(3) ? .ejecting([SpecID("lb0/n0"): Failure(.keyLost, "gone")]) : .done
    }

    #expect(try world.run())

    #expect(world.issuedCount == 2)
    #expect(world.isServed(n0))
  }

  @Test func aPairThatLosesItsActiveNodeDuringARolloutDoesNotKeepTheRun() throws {
    var world = ScriptedWorld(SmallFleet.state(try new(2)))
    world.fate = { _, _ in .turnedBack(Failure(.nodeUnreachable, "gone", node: NodeID("lb0-a"))) }
    world.survey = { pair, now in
      var survey = ScriptedWorld.healthy(pair, at: now)
      if now > SmallFleet.noon.addingTimeInterval(2) {
        survey.active[VIPID("web")] = .none(Failure(.noActiveNode, "nobody"))
      }
      return survey
    }

    #expect(try world.run(atMost: 3_600))

    #expect(world.rollouts.count == 1)
    #expect(world.surveyed.count == 2)
  }

  @Test func aRolloutThatLostItsSecondPaysTheDebtInTheSameRunOnceTheNodeAnswers() throws {
    var world = ScriptedWorld(SmallFleet.state(try new(2)))
    world.fate = { order, _ in
      order.second == nil ? .done : .secondLost(Failure(.nodeUnreachable, "gone", node: order.second))
    }

    #expect(try world.run())

    #expect(world.rollouts.map(\.second) == [NodeID("lb0-a"), nil])
    #expect(world.rollouts.map(\.first) == [NodeID("lb0-b"), NodeID("lb0-a")])
  }

  @Test func aRolloutThatEndsWithoutAWordDoesNotTurnInCircles() throws {
    var world = ScriptedWorld(SmallFleet.state(try new(2)))
    world.fate = { _, _ in .mute }

    #expect(try world.run())

    #expect(world.rollouts.count <= 4)
  }

  @Test func anEnrolledNodeIsAskedAgainAtOnceAndItsCertificatesGetAnotherChance() throws {
    let table = try SmallFleet.limits(orders: 1, everySeconds: 600)
    let states = try ["lb0/n0", "lb1/n1", "lb1/n2"].map { id in
      let parts = id.split(separator: "/").map(String.init)
      return CertificateState(spec: try SmallFleet.spec(parts[1], pair: parts[0]))
    }
    var world = ScriptedWorld(SmallFleet.state(states), limits: table)
    world.survey = { pair, now in
      var survey = ScriptedWorld.healthy(pair, at: now)
      if pair.id == PairID("lb0"), now < SmallFleet.noon.addingTimeInterval(70) {
        survey.active[VIPID("web")] = .none(Failure(.hostKeyChanged, "another key"))
      }
      return survey
    }
    world.schedule([.hostKeysPinned(node: NodeID("lb0-a"), keys: ["ssh-ed25519 AAAA"])], after: 75)

    #expect(try world.run())

    let asked = world.begun.compactMap { begun in
      begun.work == .survey(PairID("lb0")) ? begun.at.timeIntervalSince(noon) : nil
    }
    #expect(asked.contains { (75...76).contains($0) })
    #expect(world.isServed(n0))
  }

  // MARK: Everything

  @Test(arguments: Failure.Kind.allCases)
  func noFailureThatLastsKeepsARunForEver(kind: Failure.Kind) throws {
    for place in 0..<4 {
      var world = ScriptedWorld(SmallFleet.state(try new(6)))
      let failure = Failure(kind, "always", name: "n0.example")
      switch place {
      case 0: world.attemptFailure = { _, _, _ in failure }
      case 1: world.fate = { _, _ in .refused(failure) }
      case 2: world.fate = { _, _ in .ejecting([SpecID("lb0/n0"): failure, SpecID("lb0/n1"): failure]) }
      default: world.fate = { _, _ in .turnedBack(failure) }
      }

      #expect(try world.run(atMost: day, steps: 20_000), "place \(place)")
      #expect(world.begun.count < 400, "place \(place)")
    }
  }

  @Test func everyRunEndsWhateverFailsAndEveryTokenIsGivenBack() throws {
    for seed in 0..<300 as Range<UInt64> {
      var random = SeededGenerator(seed: seed)
      let kinds = Failure.Kind.allCases
      let chance = Int.random(in: 5...70, using: &random)
      var states = try (0..<12).map {
        CertificateState(spec: try SmallFleet.spec("n\($0)", pair: "lb\($0 % 3)"))
      }
      states.append(SmallFleet.served(try SmallFleet.spec("old"), issuedAt: noon.addingTimeInterval(-85 * day)))
      let table = LimitTable(quotas: [
        .newOrdersPerAccount: try #require(Quota(burst: 9, count: 1, periodSeconds: 20)),
        .certificatesPerFQDNSet: try #require(Quota(burst: 5, count: 1, periodSeconds: 3_600)),
      ])
      var world = ScriptedWorld(
        SmallFleet.state(states), inventory: SmallFleet.inventory(pairs: 3), limits: table, seed: seed)
      func dice(_ words: String, _ now: Date) -> SeededGenerator {
        var hash: UInt64 = seed &* 0x9E37_79B9
        for byte in "\(words) \(now.timeIntervalSince1970)".utf8 { hash = (hash ^ UInt64(byte)) &* 0x100_0000_01B3 }
        return SeededGenerator(seed: hash)
      }
      func failure(_ random: inout SeededGenerator, _ now: Date) -> Failure? {
        guard Int.random(in: 0..<100, using: &random) < chance, let kind = kinds.randomElement(using: &random) else {
          return nil
        }
        let after =
          Bool.random(using: &random) ? now.addingTimeInterval(Double.random(in: -10...900, using: &random)) : nil
        return Failure(kind, "by chance", name: "n0.example", retryAfter: after)
      }
      world.attemptFailure = { spec, number, now in
        var random = dice("\(spec) \(number)", now)
        return failure(&random, now)
      }
      world.attemptVanishes = { spec, number in
        var random = dice("\(spec) \(number)", .distantPast)
        return Int.random(in: 0..<40, using: &random) == 0
      }
      world.fate = { order, now in
        var random = dice("\(order.id)", now)
        guard let failure = failure(&random, now) else { return .done }
        switch Int.random(in: 0..<5, using: &random) {
        case 0: return .refused(failure)
        case 1: return .ejecting([order.items[0].spec: failure])
        case 2: return order.second == nil ? .turnedBack(failure) : .secondLost(failure)
        case 3: return .turnedBack(failure)
        default: return .mute
        }
      }
      world.survey = { pair, now in
        var random = dice("\(pair.id)", now)
        switch Int.random(in: 0..<8, using: &random) {
        case 0: return ScriptedWorld.secondDead(pair, at: now)
        case 1:
          var survey = ScriptedWorld.healthy(pair, at: now)
          survey.active[VIPID("web")] = .none(Failure(.splitBrain, "both"))
          return survey
        default: return ScriptedWorld.healthy(pair, at: now)
        }
      }
      world.schedule([.pairPaused(pair: PairID("lb1"))], after: Double.random(in: 0...30, using: &random))
      world.schedule([.pairResumed(pair: PairID("lb1"))], after: Double.random(in: 30...60, using: &random))
      world.schedule([.specRemoved(spec: SpecID("lb2/n2"))], after: Double.random(in: 0...40, using: &random))
      world.schedule([.specAdded(try SmallFleet.spec("late"))], after: Double.random(in: 0...40, using: &random))
      world.schedule([.retryAsked(spec: SpecID("lb0/n0"))], after: Double.random(in: 0...90, using: &random))

      #expect(try world.run(steps: 40_000), "seed \(seed)")

      let open = Set(world.dispatcher.state.certificates.values.compactMap { $0.attempt?.id })
      let held = Set(world.dispatcher.ledger.rows.flatMap(\.reservations))
      #expect(held.isSubset(of: open), "seed \(seed)")
      #expect(world.dispatcher.inFlight == (0, 0), "seed \(seed)")
    }
  }
}
