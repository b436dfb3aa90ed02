import Foundation
import Testing

@testable import Fleet

/// Windows and freezes: what a pair may be given, and when.
@Suite struct MaintenanceTests {
  /// A Monday, 14:13:20 UTC.
  private let monday = SmallFleet.noon
  private let hour = 3_600.0
  private let day = 86_400.0

  private func window(
    _ start: Int, hours: Int, danger: DangerRule = .wait, zone: TimeZone = .gmt
  ) -> MaintenanceWindow {
    MaintenanceWindow(
      id: "w", times: [.init(start: start * 3_600, length: hours * 3_600, zone: zone)], danger: danger)
  }

  // G4: a window at an hour that the clocks leave out opens when they go on, not an hour before.
  @Test func aWindowAtAnHourThatTheClocksLeaveOutOpensWhenTheyGoOn() throws {
    let berlin = try #require(TimeZone(identifier: "Europe/Berlin"))
    // Sundays at 02:00 in Berlin; on 2027-03-28 the clocks go from 02:00 to 03:00 there, at 01:00 UTC.
    let calendar = PairCalendar(windows: [.init(start: 6 * 86_400 + 2 * 3_600, length: 7_200, zone: berlin)])
    let saturday = try #require(ISO8601DateFormatter().date(from: "2027-03-27T12:00:00Z"))

    let opens = try #require(calendar.opens(from: saturday))

    #expect(opens == ISO8601DateFormatter().date(from: "2027-03-28T01:00:00Z"))
    #expect(calendar.opens(from: opens.addingTimeInterval(60)) == opens.addingTimeInterval(60), "it is open then")
  }

  @Test func aWindowKeepsItsHourWhenTheClocksChange() throws {
    let berlin = try #require(TimeZone(identifier: "Europe/Berlin"))
    // Sundays at 22:00 in Berlin; the clocks change on 2026-10-25 at 01:00 UTC.
    let calendar = PairCalendar(windows: [.init(start: (6 * 24 + 22) * 3_600, length: 7_200, zone: berlin)])
    let summer = Date(timeIntervalSince1970: 1_792_267_200)  // 2026-10-17 20:00 UTC
    let first = try #require(calendar.opens(from: summer))
    let second = try #require(calendar.opens(from: first + 2 * hour))

    #expect(first == Date(timeIntervalSince1970: 1_792_353_600))  // 2026-10-18 20:00 UTC, 22:00 there
    #expect(second == Date(timeIntervalSince1970: 1_792_962_000))  // 2026-10-25 21:00 UTC, 22:00 there
  }

  @Test func theStrictestWordOnDangerCounts() {
    let late = window(22, hours: 2, danger: .deploy)
    let loose = Maintenance(windows: [late], freezes: [])
    let strict = Maintenance(windows: [late, window(30, hours: 1)], freezes: [])

    #expect(loose.opens(from: monday, isInDanger: true) == monday)
    #expect(loose.opens(from: monday) == monday + 28_000)
    #expect(strict.opens(from: monday, isInDanger: true) == monday + 28_000)
  }

  @Test func dangerBreaksAFreezeOnlyWhereItIsSaid() {
    let weeks = DateInterval(start: monday - day, duration: 14 * day)
    let hard = Maintenance(windows: [], freezes: [Freeze(interval: weeks)])
    let soft = Maintenance(windows: [], freezes: [Freeze(interval: weeks, danger: .deploy)])

    #expect(hard.opens(from: monday, isInDanger: true) == weeks.end)
    #expect(soft.opens(from: monday, isInDanger: true) == monday)
    #expect(soft.opens(from: monday) == weeks.end)
  }

  @Test func aCertificateThatWouldNotOutlastAFreezeIsRenewedBeforeIt() throws {
    var certificate = SmallFleet.served(try SmallFleet.spec("n0"), issuedAt: monday)
    certificate.issuedRevision = certificate.revision
    // Due after 60 days, in danger after 80: closed from the 58th to the 85th.
    var pair = SmallFleet.pair("lb0")
    pair.freeze([Freeze(interval: DateInterval(start: monday + 58 * day, duration: 27 * day))])

    func action(after days: Double) -> Action {
      Planner.decide(certificate, pair: pair, isPaused: false, at: monday + days * day).0
    }
    #expect(action(after: 43) == .keep)
    #expect(action(after: 45) == .renew)

    // A short one is sat out.
    pair.freeze([Freeze(interval: DateInterval(start: monday + 58 * day, duration: 7 * day))])
    #expect(action(after: 45) == .keep)
  }

  @Test func aFreezeIsForItsPairsAndCustomers() {
    let pair = Pair(
      id: PairID("p"), customer: CustomerID("acme"), appliance: .haproxy, nodes: [], vips: [])
    let time = DateInterval(start: monday, duration: day)

    #expect(Freeze(interval: time).holds(pair))
    #expect(Freeze(interval: time, customers: [CustomerID("acme")]).holds(pair))
    #expect(!Freeze(interval: time, pairs: [PairID("q")]).holds(pair))
  }

  private func world(_ windows: [MaintenanceWindow], _ freezes: [Freeze] = []) throws -> ScriptedWorld {
    var inventory = SmallFleet.inventory(pairs: 1)
    let old = inventory.pairs[0]
    var pair = Pair(
      id: old.id, customer: nil, appliance: .haproxy, nodes: old.nodes, vips: old.vips, windows: windows)
    pair.freeze(freezes)
    inventory.pairs = [pair]
    let new = try (0..<3).map { CertificateState(spec: try SmallFleet.spec("n\($0)")) }
    return ScriptedWorld(SmallFleet.state(new), inventory: inventory)
  }

  @Test func certificatesAreIssuedAtOnceAndRolledOutWhenTheWindowOpens() throws {
    var world = try world([window(22, hours: 2)])

    #expect(try world.run())

    #expect(world.issued.count == 3)
    #expect(world.rolloutTimes == [28_000])
    #expect(world.isServed(SpecID("lb0/n0")))
  }

  @Test func whatOpensTomorrowIsLeftToTheNextRun() throws {
    var world = try world([], [Freeze(interval: DateInterval(start: monday - day, duration: 2 * day))])

    #expect(try world.run())

    #expect(world.issued.count == 3)
    #expect(world.rollouts.isEmpty)
    #expect(world.now < monday + hour)
  }
}
