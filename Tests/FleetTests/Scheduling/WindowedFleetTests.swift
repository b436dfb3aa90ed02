import Foundation
import Testing

@testable import Fleet

/// Seeded fleets whose pairs have windows and freezes, played through by the dispatcher of real runs: what is closed costs nothing of what
/// the CA allows, and what was issued meanwhile goes onto its pair as soon as that opens.
@Suite struct WindowedFleetTests {
  private let hour = 3_600.0

  private struct Story {
    var inventory: Inventory
    var certificates: [CertificateState] = []
    var limits = LimitTable.none
    /// The time that the CA's limits need, whatever anybody does: `max((N − burst) · refill, the same of each domain)`.
    var bound = 0.0
  }

  private func story(_ seed: UInt64) throws -> Story {
    var dice = Dice(seed &+ 77)
    let pairs = Int.random(in: 1...4, using: &dice)
    var story = Story(inventory: SmallFleet.inventory(pairs: pairs))
    for index in story.inventory.pairs.indices { close(&story.inventory.pairs[index], &dice) }
    let domains = Int.random(in: 1...6, using: &dice)
    var counts: [Int64] = []
    for domain in 0..<domains {
      let count = domain == 0 ? 8 : Int.random(in: 1...8, using: &dice)
      counts.append(Int64(count))
      for index in 0..<count {
        let pair = story.inventory.pairs[Int.random(in: 0..<pairs, using: &dice)].id
        let names = ["n\(index).d\(domain).example"]
        var spec = try SmallFleet.spec("d\(domain)-n\(index)", pair: pair.rawValue, names: names)
        spec.registeredDomains = ["d\(domain).example"]
        story.certificates.append(CertificateState(spec: spec))
      }
    }
    // The account's grain is fine against the bound, as it is at public CAs: a domain's token that misses the account's waits for the next.
    let orders = try quota(burst: 2...12, refill: 60...600, &dice)
    let domain = try quota(burst: 1...3, refill: 7_200...14_400, &dice)
    story.limits = LimitTable(quotas: [.newOrdersPerAccount: orders, .certificatesPerDomain: domain])
    func least(_ count: Int64, _ quota: Quota) -> Double { Double(max(0, count - quota.burst)) * quota.refillSeconds }
    story.bound = max(least(counts.reduce(0, +), orders), counts.map { least($0, domain) }.max() ?? 0)
    return story
  }

  private func quota(
    burst: ClosedRange<Int64>, refill: ClosedRange<Int>, _ dice: inout Dice
  ) throws -> Quota {
    try #require(
      Quota(
        burst: Int64.random(in: burst, using: &dice), count: 1,
        periodSeconds: Double(Int.random(in: refill, using: &dice))))
  }

  /// Some hours every night, once or twice a week, or always; and at some a freeze of a day or three.
  private func close(_ pair: inout Pair, _ dice: inout Dice) {
    let length = Int.random(in: 1...10, using: &dice) * 3_600
    let start = Int.random(in: 0..<86_400, using: &dice)
    let days = [Array(0..<7), [2, 4], [6], []].randomElement(using: &dice) ?? []
    let times = days.map { PairCalendar.WeeklyWindow(start: $0 * 86_400 + start, length: length) }
    pair = Pair(
      id: pair.id, customer: nil, appliance: .haproxy, nodes: pair.nodes, vips: pair.vips,
      windows: times.isEmpty ? [] : [MaintenanceWindow(id: "w", times: times)])
    if Int.random(in: 0..<3, using: &dice) == 0 {
      let from = after(Double.random(in: -1...2, using: &dice) * 86_400)
      let length = Double.random(in: 1...3, using: &dice) * 86_400
      pair.freeze([Freeze(interval: DateInterval(start: from, duration: length))])
    }
  }

  @Test(arguments: 0..<FleetPropertyTests.hundreds)
  func closedPairsCostNoCapacityAndGetTheirsWhenTheyOpen(batch: Int) throws {
    for seed in UInt64(batch * 3)..<UInt64(batch * 3 + 3) {
      let story = try story(seed)
      let calendars = Dictionary(uniqueKeysWithValues: story.inventory.pairs.map { ($0.id, $0.maintenance) })
      var world = ScriptedWorld(
        SmallFleet.state(story.certificates), inventory: story.inventory, limits: story.limits, seed: seed)
      // What opens late is left for the run of that time, which the timer starts.
      for _ in 0..<50 where world.rollouts.flatMap(\.items).count < story.certificates.count {
        #expect(try world.run(atMost: 60 * 86_400), "seed \(seed)")
        let openings = calendars.values.compactMap { $0.opens(from: world.now + 1) }.filter { $0 > world.now + 1 }
        world.now = openings.min() ?? world.now
      }

      #expect(world.issued.count == story.certificates.count, "seed \(seed)")
      #expect(world.rollouts.flatMap(\.items).count == story.certificates.count, "seed \(seed)")
      let took = (world.issueTimes.max() ?? 0) + 2
      #expect(story.bound >= 36_000, "seed \(seed)")
      #expect(took <= 1.01 * story.bound + 30, "seed \(seed): \(took) s, bound \(story.bound) s")
      for (id, maintenance) in calendars {
        let rollouts = world.begun.filter { if case .rollOut(let order) = $0.work { order.pair == id } else { false } }
        #expect(rollouts.allSatisfy { maintenance.opens(from: $0.at) == $0.at }, "seed \(seed), \(id)")
        let issues = world.begun.filter { if case .issue(let order) = $0.work { order.spec.pair == id } else { false } }
        guard let last = issues.map(\.at).max(), let opens = maintenance.opens(from: last + 2) else { continue }
        // A batch gathers for 20 s, and one may be under way; what a window's end cuts off waits for the next.
        let late = maintenance.opens(from: opens + 30) ?? opens
        #expect(rollouts.map(\.at).max() ?? late <= late + 30, "seed \(seed), \(id)")
      }
    }
  }
}
