import Foundation
import Testing

@testable import Fleet

@Suite struct OutlookTests {
  private let noon = SmallFleet.noon

  private func finding(_ spec: CertificateSpec, _ verdict: Finding.Verdict, hoursAgo: Double = 3) -> Finding {
    Finding(
      vip: spec.vipReference, name: spec.names.first, check: .addresses, verdict: verdict, evidence: "seen\u{1b}[2J",
      at: noon.addingTimeInterval(-hoursAgo * 3_600))
  }

  private func outlook(_ specs: [CertificateSpec], _ findings: [Finding]) -> Outlook {
    let state = SmallFleet.state(specs.map { CertificateState(spec: $0) })
    let plan = Planner.plan(state, inventory: SmallFleet.inventory(), at: noon)
    return Outlook(plan, state, Findings(findings), at: noon)
  }

  @Test func fourHundredEqualCausesAreOneGroupWithItsAdvice() throws {
    let specs = try (0..<400).map { try SmallFleet.spec("n\($0)") }

    let lines = outlook(specs, specs.map { finding($0, .fails(.nameNotFound)) }).lines(at: noon)

    #expect(lines.count == 4)
    #expect(lines[0] == "400 will fail (checked 3 h ago):")
    #expect(lines[1].contains("400 × name not in DNS") && lines[1].hasSuffix("and 397 more"))
    #expect(!lines.joined().contains("\u{1b}"))
    #expect(lines[3].contains(Failure.Kind.nameNotFound.advice))
  }

  @Test func aVetoIsAGroupOfItsOwn() throws {
    let specs = try ["a", "b", "c"].map { try SmallFleet.spec($0) }

    let outlook = outlook(
      specs,
      [
        finding(specs[0], .fails(.anotherPair)), finding(specs[1], .vetoes(.anotherPair)), finding(specs[2], .passes),
      ])

    #expect(outlook.groups.map(\.isVetoed).sorted { !$0 && $1 } == [false, true])
    #expect(outlook.failing == 2)
    #expect(outlook.lines(at: noon).contains { $0.contains("no order is made") })
  }

  @Test func theAgeIsThatOfTheOldestLookAndWhatWasNotLookedAtIsSaid() throws {
    let specs = try ["a", "b", "c"].map { try SmallFleet.spec($0) }

    let outlook = outlook(specs, [finding(specs[0], .passes), finding(specs[1], .passes, hoursAgo: 5)])

    #expect(outlook.lines(at: noon) == ["Nothing is known to fail (checked 5 h ago, 2 of 3 looked at)"])
  }

  @Test func withoutAnyLookItSaysNothing() throws {
    #expect(outlook([try SmallFleet.spec("a")], []).lines(at: noon).isEmpty)
  }
}
