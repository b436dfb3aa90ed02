import Foundation
import Testing

@testable import Fleet

@Suite struct FindingsTests {
  private let noon = SmallFleet.noon

  private func finding(
    _ name: String, _ check: Finding.Check, _ verdict: Finding.Verdict, after seconds: Double = 0
  ) -> Finding {
    Finding(
      vip: VIPReference(pair: PairID("lb0"), vip: VIPID("web")), name: name, check: check, verdict: verdict,
      evidence: "seen", at: noon.addingTimeInterval(seconds))
  }

  @Test func theGravestFindingOfAnyNameSpoilsTheCertificate() throws {
    let spec = try SmallFleet.spec("two", names: ["a.example", "b.example"])
    let findings = Findings([
      finding("a.example", .addresses, .passes), finding("b.example", .caa, .fails(.caaForbids)),
      finding("b.example", .vip, .vetoes(.vipAnswersWrongly)), finding("c.example", .caa, .fails(.caaForbids)),
    ])

    #expect(findings.worst(of: spec, at: noon)?.verdict == .vetoes(.vipAnswersWrongly))
    #expect(findings.badLooking(of: [CertificateState(spec: spec)], at: noon) == [spec.id])
  }

  @Test func theLatestFindingCountsWhateverComesFirst() throws {
    let spec = try SmallFleet.spec("a")
    let old = finding("a.example", .addresses, .fails(.wrongAddress))
    let new = finding("a.example", .addresses, .passes, after: 60)

    #expect(Findings([old, new]).worst(of: spec, at: noon) == nil)
    #expect(Findings([new, old]).worst(of: spec, at: noon) == nil)
    #expect(Findings([new]).lookedAt(spec) == noon.addingTimeInterval(60))
  }

  @Test func aFindingIsTrustedForSevenDays() throws {
    let spec = try SmallFleet.spec("a")
    let findings = Findings([finding("a.example", .caa, .fails(.caaForbids))])

    #expect(findings.worst(of: spec, at: noon.addingTimeInterval(7 * SmallFleet.day - 1)) != nil)
    #expect(findings.worst(of: spec, at: noon.addingTimeInterval(7 * SmallFleet.day)) == nil)
  }

  @Test func whatCouldNotBeSeenSpeaksAgainstNobody() throws {
    let spec = try SmallFleet.spec("a")

    #expect(Findings([finding("a.example", .vip, .unknown)]).worst(of: spec, at: noon) == nil)
    #expect(Findings([finding("b.example", .vip, .passes)]).lookedAt(spec) == nil)
  }
}
