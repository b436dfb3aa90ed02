import Fleet
import Foundation
import Testing

@testable import Journal

@Suite struct FindingTests {
  private let vip = VIPReference(pair: ID("p"), vip: ID("v"))

  private func finding(
    _ name: String, _ check: Finding.Check, _ verdict: Finding.Verdict, at: Date = noon, evidence: String = "seen"
  ) -> Finding {
    Finding(vip: vip, name: name, check: check, verdict: verdict, evidence: evidence, at: at)
  }

  @Test func whatWasFoundComesBackAsItWas() async throws {
    try await withDirectory { directory in
      let findings = [
        finding("a.example", .addresses, .passes), finding("a.example", .caa, .fails(.caaForbids)),
        finding("a.example", .route, .unknown, evidence: "\u{0}\u{1b}[2J'; DROP TABLE finding"),
        finding("b.example", .vip, .vetoes(.vipAnswersWrongly)),
      ]
      try await open(directory).keep(findings, at: noon)

      let kept = try open(directory).findings()

      #expect(kept == Findings(findings))
      #expect(kept.findings(of: "a.example", on: vip).map(\.evidence).contains { $0.hasSuffix("TABLE finding") })
    }
  }

  @Test func theLaterFindingTakesThePlaceOfTheEarlier() async throws {
    try await withDirectory { directory in
      let store = try open(directory)
      try await store.keep([finding("a.example", .addresses, .fails(.nameNotFound))], at: noon)
      try await store.keep([finding("a.example", .addresses, .passes, at: noon + 60)], at: noon + 60)

      #expect(try store.findings().findings(of: "a.example", on: vip).map(\.verdict) == [.passes])
    }
  }

  @Test func whatNobodyRenewsIsForgottenAfterNinetyDays() async throws {
    try await withDirectory { directory in
      let store = try open(directory)
      try await store.keep([finding("old.example", .caa, .fails(.caaForbids))], at: noon)
      let later = noon + 91 * 86_400
      try await store.keep([finding("new.example", .caa, .passes, at: later)], at: later)

      #expect(try store.findings().findings(of: "old.example", on: vip).isEmpty)
      #expect(try !store.findings().findings(of: "new.example", on: vip).isEmpty)
    }
  }

  @Test func aPersonsWordForgetsANameAndNoOther() async throws {
    try await withDirectory { directory in
      let store = try open(directory)
      try await store.keep(
        [finding("a.example", .caa, .fails(.caaForbids)), finding("b.example", .caa, .fails(.caaForbids))], at: noon)

      try await store.forgetFindings(of: ["a.example"])

      #expect(try store.findings().findings(of: "a.example", on: vip).isEmpty)
      #expect(try store.findings().findings(of: "b.example", on: vip).count == 1)
    }
  }

  @Test func aWordThatIsNoVerdictIsRefusedByTheTable() async throws {
    try await withDirectory { directory in
      try await open(directory).keep([finding("a.example", .caa, .passes)], at: noon)

      let answer = try sqlite(directory, "UPDATE finding SET verdict = 'fails'")

      #expect(String(decoding: answer, as: UTF8.self).contains("CHECK"))
    }
  }
}
