import Foundation
import Testing

@testable import Fleet

/// Seeded fleets against a CA that counts events: a thousand each time, more with `CERTFLEET_TEST_FLEETS=5000`.
@Suite struct FleetPropertyTests {
  /// A fleet with its own limits, so that every kind of limit binds in some of them.
  func fleet(_ seed: UInt64, someLookBad: Bool) -> VirtualFleet {
    var dice = Dice(seed)
    let domains = Int.random(in: 1...30, using: &dice)
    let pairs = Int.random(in: 1...6, using: &dice)
    var candidates: [Candidate] = []
    for domain in 0..<domains {
      let size = Bool.random(using: &dice) ? Int.random(in: 1...3, using: &dice) : Int.random(in: 1...24, using: &dice)
      for index in 0..<size {
        var names = ["n\(index).d\(domain).example"]
        var registered = ["d\(domain).example"]
        if Int.random(in: 0..<5, using: &dice) == 0 {
          let second = Int.random(in: 0..<domains, using: &dice)
          names.append("x\(domain)-\(index).d\(second).example")
          registered = Set(registered + ["d\(second).example"]).sorted()
        }
        guard let set = NameSet(names) else { continue }
        let pair = PairID("lb\(Int.random(in: 0..<pairs, using: &dice))")
        candidates.append(
          Candidate(
            spec: SpecID("\(pair)/\(names[0])"), kind: .issue, pair: pair,
            order: PlannedOrder(authority: letsEncrypt, names: set, registeredDomains: registered),
            weight: Int.random(in: 1...3, using: &dice),
            looksBad: someLookBad && Int.random(in: 0..<20, using: &dice) == 0))
      }
    }
    let rules: [Limit: ModelCA.Rule] = [
      .newOrdersPerAccount: ModelCA.Rule(
        burst: Int.random(in: 2...60, using: &dice), refill: Int64.random(in: 100_000_000...900_000_000, using: &dice)),
      .certificatesPerDomain: ModelCA.Rule(
        burst: Int.random(in: 2...12, using: &dice),
        refill: Int64.random(in: 1_000_000_000...12_000_000_000, using: &dice)),
      .certificatesPerFQDNSet: ModelCA.Rule(burst: 5, refill: 120_960_000_000),
      .failedAuthorizations: ModelCA.Rule(burst: 5, refill: 720_000_000),
      .failedAuthorizationsForPausing: ModelCA.Rule(burst: 1_152, refill: 86_400_000_000),
    ]
    return VirtualFleet(
      candidates: candidates, rules: rules,
      limits: Scheduler.Limits(
        total: Int.random(in: 4...16, using: &dice), perPair: Int.random(in: 2...8, using: &dice)),
      reserve: Bool.random(using: &dice) ? .nothing : .standard, seed: seed)
  }

  /// How many hundreds of fleets: a debug build takes four seconds for each.
  static let hundreds: Int = {
    let asked = ProcessInfo.processInfo.environment["CERTFLEET_TEST_FLEETS"].flatMap { Int($0) }
    return max(1, (asked ?? 1_000) / 100)
  }()

  @Test(arguments: 0..<hundreds)
  func noFleetIsEverRefusedAndNoneTakesLongerThanItMust(batch: Int) {
    var bounded = 0
    for seed in UInt64(batch * 100)..<UInt64(batch * 100 + 100) {
      // What looks bad goes last although its domain may be the slowest, so the bound is about fleets without.
      let fleet = fleet(seed, someLookBad: false)
      let outcome = fleet.run()

      #expect(outcome.refusals.isEmpty, "seed \(seed): \(outcome.refusals.first.map { "\($0)" } ?? "")")
      #expect(outcome.overruns.isEmpty, "seed \(seed): \(outcome.overruns.prefix(3))")
      #expect(outcome.issued.count == fleet.candidates.count, "seed \(seed)")
      #expect(outcome.mostInFlight <= fleet.limits.total && outcome.mostOnPair <= fleet.limits.perPair, "seed \(seed)")
      guard fleet.bound >= 36_000 else { continue }
      bounded += 1
      let took = outcome.end.timeIntervalSince(noon)
      #expect(took <= 1.01 * fleet.bound + 30, "seed \(seed): \(took) s, bound \(fleet.bound) s")
    }
    #expect(bounded > 25)
  }

  @Test(arguments: 0..<hundreds)
  func failuresKillsAndOutagesNeverLeadToARefusalOrLoseARow(batch: Int) {
    for seed in UInt64(10_000 + batch * 15)..<UInt64(10_000 + batch * 15 + 15) {
      var fleet = fleet(seed, someLookBad: true)
      var dice = Dice(seed &+ 7)
      // Loading the ledger anew after each change costs the square of the fleet's size.
      fleet.candidates = Array(fleet.candidates.shuffled(using: &dice).prefix(50))
      fleet.isSuspicious = true
      for candidate in fleet.candidates where Int.random(in: 0..<6, using: &dice) == 0 {
        fleet.failuresBefore[candidate.spec] = Int.random(in: 1...6, using: &dice)
      }
      fleet.kills = (0..<Int.random(in: 0...4, using: &dice)).map { _ in Double.random(in: 0...50_000, using: &dice) }
      let outage = Double.random(in: 0...20_000, using: &dice)
      fleet.outages = [outage...(outage + Double.random(in: 10...3_000, using: &dice))]
      if Bool.random(using: &dice) { fleet.held["lb0"] = Double.random(in: 0...50_000, using: &dice) }

      let outcome = fleet.run()

      #expect(outcome.refusals.isEmpty, "seed \(seed): \(outcome.refusals.first.map { "\($0)" } ?? "")")
      #expect(outcome.overruns.isEmpty, "seed \(seed): \(outcome.overruns.prefix(3))")
      #expect(outcome.issued.count == fleet.candidates.count, "seed \(seed)")
      #expect(outcome.storeDiffers == 0, "seed \(seed)")
      #expect(outcome.sameSetTwice == 0, "seed \(seed)")
      #expect(outcome.idleWhileStartable.isEmpty, "seed \(seed): \(outcome.idleWhileStartable.prefix(2))")
    }
  }

  @Test func withProductionsOwnLimitsTheRunEndsOnTheBound() {
    // 1 500 names, of which 60 under each of two domains: 12 h by the account, 33.6 h by the domains.
    var candidates: [Candidate] = []
    for index in 0..<1_500 {
      let domain = index < 120 ? "big\(index % 2).example" : "d\(index).example"
      guard let names = NameSet(["n\(index).\(domain)"]) else { continue }
      candidates.append(
        Candidate(
          spec: SpecID("lb\(index % 5)/\(index)"), kind: .issue, pair: PairID("lb\(index % 5)"),
          order: PlannedOrder(authority: letsEncrypt, names: names, registeredDomains: [domain])))
    }
    let fleet = VirtualFleet(candidates: candidates, rules: VirtualFleet.production)

    let outcome = fleet.run()

    #expect(fleet.bound == 120_960)
    #expect(outcome.refusals.isEmpty)
    #expect(outcome.issued.count == 1_500)
    #expect(outcome.end.timeIntervalSince(noon) <= fleet.bound + 30)
  }

  @Test func whatOthersTakeIsLearntFromRefusalsAndOtherWorkGoesOn() {
    // 60 names under one domain, 40 alone; others got 20 certificates of the domain just before.
    var candidates: [Candidate] = []
    for index in 0..<100 {
      let domain = index < 60 ? "shared.example" : "d\(index).example"
      guard let names = NameSet(["n\(index).\(domain)"]) else { continue }
      candidates.append(
        Candidate(
          spec: SpecID("lb1/\(index)"), kind: .issue, pair: "lb1",
          order: PlannedOrder(authority: letsEncrypt, names: names, registeredDomains: [domain])))
    }
    var fleet = VirtualFleet(candidates: candidates, rules: VirtualFleet.production)
    fleet.limits = Scheduler.Limits(total: 1)
    fleet.others = (0..<20).map { _ in (at: 0, domain: "shared.example") }

    let outcome = fleet.run()

    #expect(outcome.issued.count == 100)
    // One refusal tells all: everything after it is foreseen.
    #expect(outcome.refusals.count == 1)
    let loose = outcome.starts.filter { Int($0.spec.rawValue.dropFirst(4)) ?? 0 >= 60 }.map(\.at).max() ?? noon
    #expect(loose < after(1_000))
    // 80 certificates of a bucket of 50: 30 refills.
    #expect(abs(outcome.end.timeIntervalSince(noon) - 30 * 12_096) < 600, "\(outcome.end.timeIntervalSince(noon))")
  }
}
