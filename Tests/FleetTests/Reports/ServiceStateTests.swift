import Foundation
import Testing

@testable import Fleet

/// B6, B11: what visitors get and what our work has come to are two things.
@Suite struct ServiceStateTests {
  private let noon = SmallFleet.noon

  private func row(
    after days: Double = 1, hold: PairHold? = nil, _ change: (inout CertificateState) -> Void = { _ in }
  ) throws -> CertificateRow {
    var certificate = SmallFleet.served(try SmallFleet.spec("a"))
    change(&certificate)
    var state = SmallFleet.state([certificate])
    if let hold { state.pairs[PairID("lb0")] = PairState(hold: hold) }
    return CertificateRow(
      certificate, in: state, pair: SmallFleet.pair("lb0"), sweep: nil, at: noon + days * SmallFleet.day)
  }

  private func customer(_ change: (inout CertificateState) -> Void) throws -> CustomerReport {
    var fixture = ReportFixture()
    try fixture.serve("a", was: .same)
    if var certificate = fixture.after.certificates[SpecID("lb0/a")] {
      change(&certificate)
      fixture.after.certificates[SpecID("lb0/a")] = certificate
    }
    return CustomerReport(
      fixture.inventory.customers[0], state: fixture.after, inventory: fixture.inventory, at: noon + 60)
  }

  @Test func aRevisionThatWaitsLeavesTheServiceAsItIs() throws {
    let row = try row { $0.revision = 2 }

    #expect(row.service == .served && row.work == .waiting && row.standing == .waiting)
    #expect(row.text == "served until 2026-12-20 14:13; new version: waiting")
    let report = try customer { $0.revision = 2 }
    #expect(report.done == 1 && report.unserved == 0)
    #expect(CustomerReportText.headline(report) == "Acme Ltd: 1 of 1 certificate served")
    #expect(CustomerReportText.render(report).contains("1 certificate has a newer version on the way"))
  }

  @Test func whatWasRolledBackIsServedAndHeld() throws {
    func rollBack(_ certificate: inout CertificateState) {
      certificate.served = AttemptID("earlier")
      certificate.lastFailure = Failure(.rolledBack, "")
      certificate.lastFailureAt = noon
      certificate.failingSince = noon
    }

    let row = try row { rollBack(&$0) }

    #expect(row.service == .served && row.work == .held)
    let report = try customer { rollBack(&$0) }
    #expect(report.done == 1 && report.failing == 0)
  }

  // B2: visitors get what the last look saw, not what was proved once.
  @Test func whatTheLastLookSawAtTheVIPIsTheService() throws {
    func see(_ kind: Drift.Kind, until days: Double) -> (inout CertificateState) -> Void {
      { certificate in
        let leaf = SeenLeaf(sha256: "other", serial: "07", notAfter: noon + days * SmallFleet.day)
        certificate.drifts[.vip] = DriftState(current: Drift(kind, seen: leaf, ""), since: noon)
      }
    }

    let replaced = try row(see(.replaced, until: 9))
    let reverted = try row(see(.reverted, until: 9))
    let expired = try row(after: 10, see(.expiring, until: 9))

    #expect(replaced.service == .other && replaced.servedNotAfter == nil)
    #expect(replaced.text == "another certificate is served")
    #expect(reverted.service == .served && reverted.servedNotAfter == noon + 9 * SmallFleet.day)
    #expect(expired.service == .expired)
    let report = try customer(see(.replaced, until: 9))
    #expect(report.done == 0 && report.unserved == 1)
  }

  @Test func aVIPThatDoesNotAnswerIsNotServingSomethingElse() throws {
    func silence(_ certificate: inout CertificateState) {
      certificate.lastFailure = Failure(.notSeen, "the VIP does not answer from here")
      certificate.lastFailureAt = noon
      certificate.failingSince = noon
    }

    #expect(try row { silence(&$0) }.service == .unseen)
    let report = try customer { silence(&$0) }
    #expect(CustomerReportText.headline(report) == "Acme Ltd: 0 of 1 certificate served, 1 could not be looked at")
    #expect(report.unserved == 0 && report.failing == 0)
  }

  @Test func aNewVersionThatDidNotComeThroughLeavesTheOlderOneServed() throws {
    let row = try row {
      $0.issued = SmallFleet.certificate(AttemptID("newer"))
      $0.lastFailure = Failure(.servesOldCertificate, "the VIP shows serial 01")
    }

    #expect(row.service == .served && row.work == .failing)
  }

  @Test func anotherCertificateOnTheVIPIsNotServed() throws {
    #expect(try row { $0.lastFailure = Failure(.servesOldCertificate, "another serial") }.service == .other)
  }

  @Test func theEndOfLifeEndsTheService() throws {
    #expect(try row(after: 89.9).service == .served)
    #expect(try row(after: 90).service == .expired)
    #expect(try row { $0.served = nil }.service == .unserved)
  }

  @Test func whatAPauseHoldsIsHeldOnceSomethingIsToBeDone() throws {
    let hold = PairHold(since: noon)

    #expect(try row(hold: hold).work == .done)
    #expect(try row(after: 70, hold: hold).work == .held)
    #expect(try row(after: 70).work == .due)
  }

  @Test func aSweepsReportCountsWhatVisitorsGet() throws {
    var fixture = ReportFixture()
    try fixture.serve("a", was: .same)
    fixture.after.certificates[SpecID("lb0/a")]?.revision = 2

    let report = fixture.report(.renew)

    #expect(report.total.served == 1 && report.total.waiting == 1 && report.total.kept == 0)
    #expect(SweepReportText.headline(report).hasSuffix(": 1 waiting, 1 of 1 served"))
  }
}
