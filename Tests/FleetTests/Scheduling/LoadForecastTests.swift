import Foundation
import Testing

@testable import Fleet

/// Ten orders at once, one more each hour: 24 a day.
@Suite struct LoadForecastTests {
  let day = SmallFleet.day

  func forecast(
    _ certificates: [CertificateState], days: Int, supposing: Int = 0, paused: [PairID] = []
  ) throws -> LoadForecast {
    var state = SmallFleet.state(certificates)
    for pair in paused { state.pairs[pair] = PairState(hold: PairHold(since: .distantPast)) }
    let table = try SmallFleet.limits(orders: 10, everySeconds: 3_600)
    let dispatcher = Dispatcher(
      state: state, inventory: SmallFleet.inventory(),
      ledger: Ledger(tables: [SmallFleet.authority: table], reserve: .nothing), seed: 1, at: noon)
    return dispatcher.loadForecast(days: days, supposing: supposing, at: noon)
  }

  func new(_ count: Int, pair: String = "lb0") throws -> [CertificateState] {
    try (0..<count).map { CertificateState(spec: try SmallFleet.spec("\(pair)-n\($0)", pair: pair)) }
  }

  @Test func newNamesAreSpreadOverTheDaysThatTheLimitNeeds() throws {
    let forecast = try forecast(try new(60), days: 10)

    let waiting = try #require(forecast.waiting)
    #expect(waiting.count == 60)
    #expect(waiting.boundBy?.contains("new orders per account") == true)
    #expect(abs(waiting.at.timeIntervalSince(noon) - 50 * 3_600) < 60)
    #expect(forecast.days.map(\.issued).reduce(0, +) == 60)
    // The forecast begins at 14:13 UTC: ten at once and ten more before midnight, then 24 a day.
    #expect(forecast.days.map(\.issued) == [19, 24, 17])
    #expect(forecast.days.map(\.waiting) == [41, 17, 0])
    #expect(forecast.days.prefix(2).map(\.ordersLeft) == [0, 0])
    #expect(forecast.days[1].boundBy == waiting.boundBy)
    #expect(forecast.limits.map(\.count) == [50])
  }

  @Test func whatFallsDueOnTheWayIsRenewedOnItsDay() throws {
    // Certificates of 90 days are due when they are 60 days old.
    let old = try [20, 40].map { age in
      SmallFleet.served(try SmallFleet.spec("age\(age)"), issuedAt: noon - Double(age) * day)
    }

    let forecast = try forecast(old, days: 30)

    #expect(forecast.waiting == nil)
    #expect(forecast.days.map(\.renewed) == [1])
    #expect(forecast.days.first.map { abs($0.date.timeIntervalSince(noon) - 20 * day) < day } == true)
    #expect(try self.forecast(old, days: 45).days.map(\.renewed) == [1, 1])
  }

  @Test func whatIsIssuedInTheForecastIsRenewedInItToo() throws {
    let forecast = try forecast(try new(3), days: 70)

    #expect(forecast.days.map(\.issued).reduce(0, +) == 3)
    #expect(forecast.days.map(\.renewed).reduce(0, +) == 3)
    #expect(forecast.waiting?.count == 3)
    #expect(forecast.waiting.map { $0.at < noon + 60 } == true)
  }

  @Test func supposedNamesComeOnTopAndHaveTheirOwnDate() throws {
    let forecast = try forecast(try new(10), days: 10, supposing: 34)

    #expect(forecast.waiting?.count == 10)
    #expect(forecast.supposed?.count == 34)
    #expect(forecast.days.map(\.issued).reduce(0, +) == 44)
    let last = max(try #require(forecast.waiting).at, try #require(forecast.supposed).at)
    #expect(abs(last.timeIntervalSince(noon) - 34 * 3_600) < 60)
  }

  @Test func whatHasNoDateIsCountedAndNamed() throws {
    let forecast = try forecast(try new(4) + new(3, pair: "lb1"), days: 1, paused: ["lb1"])
    let short = try self.forecast(try new(60), days: 1)

    #expect(forecast.undated == 3)
    #expect(forecast.text.contains("3 certificates without a date within 1 day"))
    #expect((26...27).contains(short.undated))
  }

  @Test func quietDaysAreSaidToBeQuiet() throws {
    let text = try forecast([], days: 30).text

    #expect(text == "Nothing waits now.\nNothing falls due within 30 days either; --days looks further.")
  }

  @Test func theTextHasALineForEachDayAndTheLimits() throws {
    let text = try forecast(try new(60), days: 10, supposing: 2).text

    #expect(text.contains("Waiting now: 60 certificates, the last issued 2026-09-2"))
    #expect(text.contains("Supposed in addition: 2 certificates"))
    #expect(text.contains("2026-09-21      19"))
    #expect(text.contains("Held up by:\n  new orders per account (account): 52 certificates"))
  }

  @Test func whatThePreflightDoubtsGoesLastAndIsNamed() throws {
    let certificates = try new(60)
    let bad = try #require(certificates.first?.spec)
    let finding = Finding(
      vip: bad.vipReference, name: bad.names.first, check: .addresses, verdict: .fails(.nameNotFound),
      evidence: "NXDOMAIN", at: noon - 3_600)
    let state = SmallFleet.state(certificates)
    let plan = Planner.plan(state, inventory: SmallFleet.inventory(), at: noon)
    let table = try SmallFleet.limits(orders: 10, everySeconds: 3_600)
    let dispatcher = Dispatcher(
      state: state, inventory: SmallFleet.inventory(),
      ledger: Ledger(tables: [SmallFleet.authority: table], reserve: .nothing), seed: 1,
      findings: Findings([finding]), at: noon)

    var forecast = dispatcher.loadForecast(days: 10, at: noon)
    forecast.outlook = Outlook(plan, state, Findings([finding]), at: noon)

    #expect(dispatcher.forecast(at: noon).finishes.last?.spec == bad.id)
    #expect(forecast.text.contains("1 will fail (checked 1 h ago, 1 of 60 looked at):"))
    #expect(forecast.text.contains("NXDOMAIN"))
  }

  @Test func progressIsToldDayByDay() throws {
    var told: [Int] = []
    let dispatcher = Dispatcher(
      state: SmallFleet.state(try new(60)), inventory: SmallFleet.inventory(),
      ledger: Ledger(tables: [SmallFleet.authority: try SmallFleet.limits(orders: 10, everySeconds: 3_600)]), seed: 1,
      at: noon)

    _ = dispatcher.loadForecast(days: 30, at: noon) { told.append($0) }

    #expect(told == told.sorted())
    #expect(!told.isEmpty && told.allSatisfy { (1...30).contains($0) })
  }
}
