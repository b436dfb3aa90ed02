import Foundation
import Testing

@testable import Fleet

@Suite struct PaceReviewTests {
  private let of = AttemptReference(spec: SpecID("lb0/n0"), attempt: AttemptID("a"))

  private func forecast(_ count: Int, hours: Double) throws -> KeptForecast {
    var kept = try #require(
      KeptForecast(
        Forecast.run(
          {
            var scheduler = Scheduler()
            let names = NameSet(["a.example"])
            if let names {
              let order = PlannedOrder(authority: letsEncrypt, names: names, registeredDomains: ["a.example"])
              scheduler.add(Candidate(spec: SpecID("lb0/a"), kind: .issue, pair: PairID("lb0"), order: order))
            }
            return scheduler
          }(), ledger(), from: noon)))
    kept.count = count
    kept.end = after(hours * 3_600)
    return kept
  }

  private func issued(_ count: Int, lastAfter hours: Double) -> [Record] {
    (0..<count).map { index in
      Record(
        sequence: Int64(index), at: after(index == count - 1 ? hours * 3_600 : 0), sweep: nil,
        event: .issued(of: of, certificate: SmallFleet.certificate(of.attempt)))
    }
  }

  @Test func theReportSaysByHowMuchTheForecastWasWrong() throws {
    let review = PaceReview(try forecast(400, hours: 50), records: issued(400, lastAfter: 51), end: .completed)

    #expect(review.errorSeconds == 3_600)
    #expect(review.lines.first?.hasSuffix("1 h later than foretold (2 %)") == true)
    #expect(review.lines.count == 1)
  }

  @Test func aRunThatWasEndedIsMeasuredByWhatIsLeft() throws {
    let review = PaceReview(try forecast(400, hours: 50), records: issued(100, lastAfter: 3), end: .interrupted)

    #expect(review.errorSeconds == nil)
    let until = Wording.minute(after(180_000))
    #expect(review.lines == ["Foretold were 400 certificates by \(until) UTC; 100 issued so far"])
  }

  @Test func aRunOfSecondsSaysNothing() throws {
    let review = PaceReview(try forecast(3, hours: 0.01), records: issued(3, lastAfter: 0.02), end: .completed)

    #expect(review.lines.isEmpty)
  }
}
