import Fleet
import Foundation
import Testing

@testable import Journal

@Suite struct KeptForecastTests {
  @Test func aForecastIsKeptWithItsRunAndWithNoOther() async throws {
    try await withDirectory { directory in
      var scheduler = Scheduler()
      let names = try #require(NameSet(["a.example"]))
      let order = PlannedOrder(authority: AuthorityID("ca"), names: names, registeredDomains: ["a.example"])
      scheduler.add(Candidate(spec: SpecID("lb0/a"), kind: .issue, pair: PairID("lb0"), order: order))
      let kept = try #require(
        KeptForecast(Forecast.run(scheduler, Ledger(tables: [:]), from: noon)))

      let journal = try open(directory, tuning: .init())
      try await journal.keep(kept, of: SweepID("s1"))

      let again = try open(directory, tuning: .init())
      #expect(try again.forecast(of: SweepID("s1")) == kept)
      #expect(try again.forecast(of: SweepID("s2")) == nil)
    }
  }
}
