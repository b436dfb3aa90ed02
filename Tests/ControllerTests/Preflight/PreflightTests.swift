import Fleet
import Foundation
import Journal
import Net
import PKI
import Testing

@testable import Controller

@Suite(.serialized, .enabled(if: PreflightBench.mayRun, "\(PreflightBench.skipReason)"), .timeLimit(.minutes(3)))
struct PreflightTests {
  private typealias Row = (name: String, pair: String, check: Finding.Check, verdict: Finding.Verdict)

  private func verdict(_ findings: [Finding], _ check: Finding.Check) -> Finding.Verdict? {
    findings.first { $0.check == check }?.verdict
  }

  @Test func everyWayToBeBadHasItsOwnVerdict() async throws {
    let bench = try await PreflightBench.start()
    let preflight = bench.preflight()
    let rows: [Row] = [
      ("good", "own", .addresses, .passes), ("good", "own", .vip, .passes), ("good", "own", .caa, .passes),
      ("good", "own", .route, .passes), ("alias", "own", .addresses, .passes), ("alias", "own", .vip, .passes),
      ("stray", "own", .addresses, .fails(.strayIPv6Address)), ("stray", "own", .vip, .passes),
      ("gone", "own", .addresses, .fails(.nameNotFound)), ("empty", "own", .addresses, .fails(.nameNotFound)),
      // G8: where DNS has no address, nobody was asked, and nothing is "ok".
      ("gone", "own", .route, .unknown), ("empty", "own", .route, .unknown),
      ("elsewhere", "own", .addresses, .fails(.wrongAddress)),
      ("foreign", "own", .addresses, .vetoes(.anotherPair)), ("foreign", "own", .route, .vetoes(.anotherPair)),
      ("rekeyed", "own", .addresses, .fails(.anotherPair)), ("rekeyed", "rekeyed", .vip, .vetoes(.vipAnswersWrongly)),
      ("crossed", "crossed", .vip, .vetoes(.vipAnswersWrongly)), ("tunnel", "tunnel", .vip, .passes),
      ("closed", "closed", .vip, .fails(.port80Closed)), ("loop", "own", .vip, .vetoes(.vipAnswersWrongly)),
      ("hop", "own", .vip, .passes), ("port", "own", .vip, .vetoes(.vipAnswersWrongly)),
      ("untold", "own", .vip, .vetoes(.vipAnswersWrongly)), ("caa", "own", .caa, .fails(.caaForbids)),
      ("www.caa", "own", .caa, .fails(.caaForbids)), ("other.caa", "own", .caa, .fails(.caaForbids)),
    ]

    for row in rows {
      let findings = await preflight.look(
        at: bench.subject(row.name, row.pair), Set(Finding.Check.allCases))
      #expect(verdict(findings, row.check) == row.verdict, "\(row.name) on \(row.pair): \(findings)")
    }
  }

  @Test func theWordsNameTheLoopTheKeyAndThePlace() async throws {
    let bench = try await PreflightBench.start()
    let preflight = bench.preflight()

    let loop = await preflight.look(at: bench.subject("loop"), [.vip])
    let rekeyed = await preflight.look(at: bench.subject("rekeyed", "rekeyed"), [.vip])
    let elsewhere = await preflight.look(at: bench.subject("elsewhere"), [.addresses])

    #expect(loop.first?.evidence.contains("redirect loop") == true)
    #expect(rekeyed.first?.evidence.contains("another account key") == true)
    #expect(elsewhere.first?.evidence.contains("\(bench.block).99") == true)
    #expect(elsewhere.first?.evidence.contains("\(bench.block).1") == true)
  }

  @Test func aNameThatThePairWasNotToldOfIsNotCondemned() async throws {
    let bench = try await PreflightBench.start()

    let findings = await bench.preflight().look(at: bench.subject("untold", isAllowed: false), [.vip])

    #expect(verdict(findings, .vip) == .unknown)
  }

  @Test func aResolverThatIsGoneHasNoVoteAndNoneIsNoFailure() async throws {
    let bench = try await PreflightBench.start()
    let gone = "127.0.0.1:\(bench.silentDNS)"

    let half = await bench.preflight(resolvers: [gone, "127.0.0.1:\(bench.dns)"]).look(
      at: bench.subject("good"), [.addresses])
    let none = await bench.preflight(resolvers: [gone]).look(at: bench.subject("good"), [.addresses, .caa])

    #expect(verdict(half, .addresses) == .passes)
    #expect(verdict(none, .addresses) == .unknown)
    #expect(verdict(none, .caa) == .unknown)
  }

  @Test func thousandsOfNamesAreLookedAtAndKept() async throws {
    let bench = try await PreflightBench.start()
    let folder = Folder()
    let journal = try JournalStore.open(directory: folder.path + "/state", hash: { sha256($0) })
    let survey = PreflightSurvey(preflight: bench.preflight(), journal: journal, clock: SystemClock())
    let subjects = (0..<2_000).map { number in
      var subject = bench.subject(number.isMultiple(of: 2) ? "good" : "gone")
      if !number.isMultiple(of: 2) { subject.name = "n\(number).test" }
      return subject
    }

    let found = try await survey.look(at: subjects, [.addresses, .vip]) { _, _ in }

    #expect(found.count == 4_000)
    let kept = try journal.findings()
    #expect(kept.findings(of: "good.test", on: subjects[0].vip).map(\.verdict) == [.passes, .passes])
    #expect(
      kept.findings(of: "n1.test", on: subjects[0].vip).first?.verdict == .fails(.nameNotFound))
  }
}
