import Fleet
import Foundation
import Testing

@Suite struct CustomerReportTests {
  private func report(_ fixture: ReportFixture, after days: Double = 0) -> CustomerReport {
    CustomerReport(
      fixture.inventory.customers[0], state: fixture.after, inventory: fixture.inventory,
      at: fixture.noon.addingTimeInterval(days * SmallFleet.day))
  }

  /// A fleet in which every word of the operator's is a word that no customer may read.
  private func fixture() throws -> ReportFixture {
    var fixture = ReportFixture()
    for (index, kind) in Failure.Kind.allCases.enumerated() where kind.loudness != .customer {
      try fixture.fail(
        "mine\(index)", Failure(kind, "lb0-a at 10.0.0.7 of pair lb0: zeta", node: NodeID("lb0-a")), stillServed: true)
    }
    try fixture.fail(
      "moved",
      Failure(.anotherPair, "moved.example leads to 198.51.100.9, which is lb1, not lb0", name: "moved.example"))
    try fixture.fail("closed", Failure(.port80Closed, "connection refused", name: "closed.example"))
    try fixture.fail("theirs", Failure(.port80Closed, "secret of zeta"), customer: "zeta")
    try fixture.serve("served", was: .same)
    try fixture.serve("others", customer: "zeta", was: .same)
    let waiting = try SmallFleet.spec("waiting")
    fixture.after.certificates[waiting.id] = CertificateState(spec: waiting)
    fixture.after.nodes[NodeID("lb0-b")] = NodeState(trouble: Failure(.hostKeyChanged, "lb0-b has another key"))
    return fixture
  }

  @Test func itHoldsNothingOfOtherCustomersNorOfOurMachines() throws {
    let report = report(try fixture())
    let forms = [
      CustomerReportText.render(report), CustomerReportText.html(report),
      ReportCSV.render(report.rows, isForCustomer: true),
      String(decoding: try JSONEncoder().encode(report), as: UTF8.self),
    ]

    for form in forms {
      for word in ["zeta", "Zeta", "theirs", "others", "lb0", "lb1", "10.0.0.7", "another key", "certfleet enroll"] {
        #expect(!form.contains(word), "\(word)")
      }
      #expect(form.contains("closed.example"))
    }
  }

  @Test func itCountsWhatIsDoneDueWaitingAndFailing() throws {
    var fixture = ReportFixture()
    try fixture.serve("a", was: .same)
    try fixture.serve("b", was: .same)
    try fixture.fail("c", Failure(.caaForbids, "0 issue \"other.example\""))
    let waiting = try SmallFleet.spec("d")
    fixture.after.certificates[waiting.id] = CertificateState(spec: waiting)

    let early = report(fixture)
    #expect(early.done == 2)
    #expect(early.dueSoon == 0)
    #expect(early.waiting == 1)
    #expect(early.failing == 1)
    let late = report(fixture, after: 50)
    #expect(late.dueSoon == 2)
    #expect(late.nextExpiry == fixture.noon.addingTimeInterval(90 * SmallFleet.day))
    #expect(CustomerReportText.headline(late) == "Acme Ltd: 2 of 4 certificates served, 1 failing")
  }

  @Test func whatTheCustomerCanMendStandsFirst() throws {
    let kinds = report(try fixture()).groups.map(\.kind.loudness)

    #expect(kinds.first == .customer)
    let ranks = kinds.map { $0 == .customer ? 0 : $0 == .operatorNeeded ? 1 : 2 }
    #expect(ranks == ranks.sorted())
  }

  @Test func aCustomerWithoutCertificatesGetsAReportAsWell() throws {
    let report = report(ReportFixture())

    #expect(report.rows.isEmpty)
    #expect(CustomerReportText.headline(report) == "Acme Ltd: no certificates are wanted")
    #expect(CustomerReportText.html(report).contains("</html>"))
  }
}
