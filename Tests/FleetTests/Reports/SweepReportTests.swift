import Foundation
import Testing

@testable import Fleet

@Suite struct SweepReportTests {
  private func closed(_ index: Int) -> Failure { Failure(.port80Closed, "192.0.2.\(index % 250): refused") }

  @Test func everyCertificateIsCountedOnceUnderItsCustomer() throws {
    var fixture = ReportFixture()
    try fixture.serve("new", was: .unknown)
    try fixture.serve("renewed", was: .older)
    try fixture.serve("kept", was: .same)
    try fixture.serve("nobodys", customer: nil, was: .same)
    try fixture.fail("closed", closed(1), customer: "zeta")
    try fixture.fail("known", closed(2), customer: "zeta", isNew: false)
    let waiting = try SmallFleet.spec("waiting")
    fixture.after.certificates[waiting.id] = CertificateState(spec: waiting)

    let report = fixture.report()

    let acme = try #require(report.customers.first { $0.id == CustomerID("acme") })
    let counts: [Int] = [acme.wanted, acme.issued, acme.renewed, acme.kept, acme.waiting, acme.failed]
    #expect(counts == [4, 1, 1, 1, 1, 0] as [Int])
    let zeta = try #require(report.customers.first { $0.id == CustomerID("zeta") })
    #expect(zeta.name == "Zeta & Söhne")
    #expect(zeta.wanted == 2)
    #expect(zeta.failed == 2)
    #expect(zeta.newlyFailed == 1)
    #expect(report.customers.first { $0.id == nil }?.name == "(no customer)")
    #expect(report.total.wanted == 7)
    for line in report.customers {
      #expect(line.wanted == line.issued + line.renewed + line.kept + line.waiting + line.failed + line.unseen)
    }
  }

  @Test func aRevisedCertificateCountsAsIssuedNotAsRenewed() throws {
    var fixture = ReportFixture()
    try fixture.serve("n", was: .older)
    fixture.after.certificates[SpecID("lb0/n")]?.revision = 2
    fixture.after.certificates[SpecID("lb0/n")]?.issuedRevision = 2

    #expect(fixture.report().total.issued == 1)
    #expect(fixture.report().total.renewed == 0)
  }

  @Test func aLimitThatOthersUseIsSaidOnceWithItsRefusals() throws {
    var fixture = ReportFixture()
    try fixture.serve("n", was: .unknown)
    let words =
      "too many new orders (300) from this account in the last 3h0m0s, retry after 2026-09-21 14:20:00 UTC: see"
    fixture.records = (0..<3).map { index in
      Record(
        sequence: Int64(index), at: fixture.noon, sweep: fixture.sweep,
        event: .attemptFailed(
          of: AttemptReference(spec: SpecID("lb0/n"), attempt: AttemptID("a\(index)")),
          failure: Failure(.rateLimited, words, retryAfter: fixture.noon + Double(60 * index))))
    }

    let report = fixture.report()

    let until = fixture.noon + 120
    #expect(report.limitNotes == [LimitNote(limit: .newOrdersPerAccount, subject: nil, refusals: 3, until: until)])
    #expect(!report.needsAttention)
    let said = "new orders per account: 3 orders refused that our own count allowed, so somebody else uses it too"
    #expect(SweepReportText.render(report).contains(said))
    #expect(SweepReportHTML.render(report).contains(said))
  }

  @Test func fourHundredEqualFailuresAreOneGroupAndAFewLines() throws {
    var fixture = ReportFixture()
    for index in 0..<400 { try fixture.fail("n\(index)", closed(index)) }

    let report = fixture.report()
    let text = SweepReportText.render(report)

    #expect(report.groups.map(\.kind) == [.port80Closed])
    #expect(report.groups[0].newCount == 400)
    #expect(text.contains("port 80 closed: 400 certificates, 400 new"))
    #expect(text.contains("and 395 more; all are in the CSV"))
    #expect(text.split(separator: "\n").count < 30)
    #expect(SweepReportHTML.render(report).utf8.count < 12_000)
    #expect(ReportCSV.render(report.rows).split(separator: "\r\n").count == 401)
  }

  @Test func whatNeedsAPersonComesFirstThenWhatIsMostCommon() throws {
    var fixture = ReportFixture()
    try fixture.fail("q", Failure(.rateLimited, "later"))
    for index in 0..<3 { try fixture.fail("c\(index)", closed(index)) }
    for index in 0..<5 { try fixture.fail("d\(index)", Failure(.nameNotFound, "NXDOMAIN")) }
    try fixture.fail("o", Failure(.configRefused, "line 3"))

    #expect(fixture.report().groups.map(\.kind) == [.configRefused, .nameNotFound, .port80Closed, .rateLimited])
  }

  @Test func aRunWithoutFailuresNeedsNobody() throws {
    var fixture = ReportFixture()
    try fixture.serve("new", was: .unknown)

    #expect(!fixture.report().needsAttention)
  }

  @Test(arguments: Failure.Kind.allCases)
  func aKnownFailureNeedsSomebodyOnlyIfItIsTheOperators(kind: Failure.Kind) throws {
    var fixture = ReportFixture()
    try fixture.fail("n", Failure(kind, "why"), isNew: false)

    // What the CA paused is in quarantine: said when it came.
    #expect(fixture.report().needsAttention == (kind.loudness == .operatorNeeded && kind != .paused))
  }

  @Test(arguments: Failure.Kind.allCases)
  func aNewFailureNeedsSomebodyUnlessItPassesByItself(kind: Failure.Kind) throws {
    var fixture = ReportFixture()
    try fixture.fail("n", Failure(kind, "why"))

    #expect(fixture.report().needsAttention == (kind.loudness != .quiet))
  }

  @Test func troubleOfANodeOrTheCAAlwaysNeedsSomebody() throws {
    var fixture = ReportFixture()
    fixture.after.nodes[NodeID("lb1-b")] = NodeState(trouble: Failure(.nodeUnreachable, "no route"))
    #expect(fixture.report().needsAttention)
    #expect(fixture.report().troubles.map(\.node) == [NodeID("lb1-b")])

    var report = ReportFixture().report()
    report.authorityFailure = Failure(.authorityUnreachable, "no route")
    #expect(report.needsAttention)
    #expect(SweepReportText.render(report).contains("CA not reachable; nothing could be issued"))
  }

  @Test func theTroubleOfANodeCountsWhatWaitsBehindIt() throws {
    var fixture = ReportFixture()
    for index in 0..<3 {
      let spec = try SmallFleet.spec("w\(index)")
      fixture.after.certificates[spec.id] = CertificateState(spec: spec)
    }
    fixture.after.nodes[NodeID("lb0-a")] = NodeState(trouble: Failure(.hostKeyChanged, "other key"))

    #expect(fixture.report().troubles.map(\.waiting) == [3])
    #expect(SweepReportText.render(fixture.report()).contains("SSH host key changed; 3 certificates wait"))
  }

  @Test func anOrderLostInACrashIsNamed() throws {
    var fixture = ReportFixture()
    let of = AttemptReference(spec: SpecID("lb0/n"), attempt: AttemptID("a"))
    fixture.records = [
      Record(
        sequence: 1, at: fixture.noon, sweep: nil,
        event: .attemptFailed(of: of, failure: Failure(.orderLost, "the answer never came")))
    ]

    #expect(fixture.report().lostOrders.map(\.spec) == [SpecID("lb0/n")])
    #expect(SweepReportText.render(fixture.report()).contains("the answer never came"))
  }

  @Test func aNodeProvedBelowTheWireIsToldWithItsReason() throws {
    var fixture = ReportFixture()
    try fixture.serve("n", was: .unknown)
    fixture.after.certificates[SpecID("lb0/n")]?.installations[NodeID("lb0-b")]?.proof = .memory
    fixture.after.certificates[SpecID("lb0/n")]?.installations[NodeID("lb0-b")]?.reason = "no listener of its own"

    let proof = try #require(fixture.report().weakProofs.first)
    #expect(proof.node == NodeID("lb0-b"))
    #expect(proof.count == 1)
    #expect(SweepReportText.render(fixture.report()).contains("no listener of its own"))
  }

  @Test func whatASurveyNoticedStandsInTheReport() throws {
    var fixture = ReportFixture()
    try fixture.serve("n", was: .unknown)
    fixture.after.nodes[NodeID("lb0-a")] = NodeState(facts: #"{"terminations":[{},{"notices":["<x> is in a and b"]}]}"#)
    fixture.after.nodes[NodeID("lb0-b")] = NodeState(facts: #"{"release":"of another version"}"#)

    let report = fixture.report()

    #expect(report.notices == [NodeNotice(node: NodeID("lb0-a"), text: "<x> is in a and b")])
    #expect(SweepReportText.render(report).contains("lb0-a: <x> is in a and b"))
    #expect(SweepReportHTML.render(report).contains("&lt;x&gt; is in a and b"))
  }

  private func report(_ reloads: [(node: String, milliseconds: Int, handshakes: ReloadHandshakes?)]) throws
    -> SweepReport
  {
    var fixture = ReportFixture()
    try fixture.serve("n", was: .unknown)
    fixture.records = reloads.enumerated().map { index, reload in
      Record(
        sequence: Int64(index + 1), at: fixture.noon, sweep: nil,
        event: .reloaded(
          rollout: RolloutID("r"), node: NodeID(reload.node),
          reload: Reload(
            program: "stunnel", count: 1, milliseconds: reload.milliseconds, certificates: 50, reason: "",
            handshakes: reload.handshakes)))
    }
    return fixture.report()
  }

  @Test func reloadsAreSummedByNodeTheSlowestFirst() throws {
    let text = SweepReportText.render(
      try report([("lb0-a", 350, nil), ("lb0-b", 4_230, nil), ("lb0-a", 120, nil)]))

    #expect(text.contains("3 reloads on 2 nodes; the slowest took 4.2 s, on lb0-b\n"))
    let lines = text.split(separator: "\n").map { $0.trimmingCharacters(in: .whitespaces) }
    let unmeasured = "connections meanwhile not measured"
    let first = lines.firstIndex(of: "lb0-b: 1 reload for 50 certificates, up to 4.2 s; \(unmeasured)")
    let second = lines.firstIndex(of: "lb0-a: 2 reloads for 100 certificates, up to 0.35 s; \(unmeasured)")
    #expect(first != nil && second == first.map { $0 + 1 }, "\(text)")
  }

  @Test func whatVisitorsMetDuringReloadsIsSummedAndTheWorstNodeComesFirst() throws {
    var smooth = HandshakeTally()
    for milliseconds in [4, 38, 6] { smooth.finish(milliseconds: milliseconds) }
    var rough = HandshakeTally()
    rough.finish(milliseconds: 5)
    for fault in [HandshakeTally.Fault.refused, .refused, .reset] { rough.fail(fault) }
    rough.failingMilliseconds = 420
    let report = try report([
      ("lb0-a", 4_230, .measured(at: "192.0.2.1:443", tally: smooth)),
      ("lb0-b", 350, .measured(at: "192.0.2.2:443", tally: rough)),
      ("lb0-b", 300, .notMeasured(reason: "it is far away")),
    ])

    let text = SweepReportText.render(report)

    let all = "3 of 7 test connections failed (2 refused, 1 reset) within 420 ms; of the others the slowest took 38 ms"
    #expect(text.contains("all the while (visitors use the active one only): \(all)\n"), "\(text)")
    let lines = text.split(separator: "\n").map { $0.trimmingCharacters(in: .whitespaces) }
    let first = lines.firstIndex(
      of: "lb0-b: 2 reloads for 100 certificates, up to 0.35 s; 3 of 4 test connections failed (2 refused, 1 reset) "
        + "within 420 ms; of the others the slowest took 5 ms; during 1 reload not measured: it is far away")
    let second = lines.firstIndex(
      of: "lb0-a: 1 reload for 50 certificates, up to 4.2 s; none of 3 test connections failed, the slowest took 38 ms")
    #expect(first != nil && second == first.map { $0 + 1 }, "\(text)")
    let html = SweepReportHTML.render(report)
    #expect(html.contains(all) && html.contains("lb0-b: 2 reloads") && !html.contains("lb0-a: 1 reload"))
  }

  @Test func aReloadThatNothingConfirmedIsNoQuietProof() throws {
    var fixture = ReportFixture()
    try fixture.serve("n", was: .unknown)
    fixture.after.certificates[SpecID("lb0/n")]?.installations[NodeID("lb0-b")]?.proof = .unconfirmed

    let text = SweepReportText.render(fixture.report())
    let html = SweepReportHTML.render(fixture.report())

    for page in [text, html] { #expect(page.contains("Reloads that nothing confirmed") && page.contains("`log:`")) }
    #expect(!text.contains("Proved below the wire"))
  }

  @Test(arguments: [
    (SweepPurpose.run, SweepEnd.completed, "Run finished in 2 min 5 s: 1 issued"),
    (.renew, .stopped, "Renewal stopped after 2 min 5 s as asked: 1 issued"),
    (.run, .interrupted, "Run interrupted after 2 min 5 s; the next run goes on: 1 issued"),
  ])
  func theHeadlineSaysHowItWent(purpose: SweepPurpose, end: SweepEnd, words: String) throws {
    var fixture = ReportFixture()
    try fixture.serve("n", was: .unknown)

    #expect(SweepReportText.headline(fixture.report(purpose, end: end)) == words)
  }

  @Test func aReportReadsBackAsItWasWritten() throws {
    let report = try ReportFixture.hostile().report()

    let data = try JSONEncoder().encode(report)

    #expect(try JSONDecoder().decode(SweepReport.self, from: data) == report)
  }
}
