import Fleet
import Testing

@testable import Controller

struct RollbackReportTests {
  private func line(
    _ name: String, _ node: String, _ outcome: RollbackReport.Outcome, _ detail: String
  ) -> RollbackReport.Line {
    .init(
      spec: SpecID("p1/web/\(name)"), node: NodeID(node), outcome: outcome, serial: "0\(name.count)", detail: detail)
  }

  @Test func certificatesOfTheSameFateAreOneLine() {
    var report = RollbackReport()
    report.lines =
      (1...30).map { line("a\($0)", "n2", .refused, "the first one") } + [line("b", "n2", .putBack, "wire")]
      + (1...30).map { line("a\($0)", "n1", .refused, "the first one") }

    let text = report.text(isVerbose: false)

    #expect(text.split(separator: "\n").count { $0.contains("refused") } == 2, "\(text)")
    #expect(text.contains("p1/web/a1 and 29 more"), "\(text)")
    #expect(text.contains("-v shows every certificate"), "\(text)")
    #expect(text.split(separator: "\n").contains { $0.contains("p1/web/b") && $0.contains("01") }, "\(text)")
  }

  @Test func aFewCertificatesAreShownWithTheirSerials() {
    var report = RollbackReport()
    report.lines = (1...3).map { line("a\($0)", "n1", .putBack, "wire") }

    #expect(report.text(isVerbose: false) == report.text(isVerbose: true))
  }

  @Test func everyCertificateIsShownWhereThatIsAskedFor() {
    var report = RollbackReport()
    report.lines = (1...30).map { line("a\($0)", "n1", .putBack, "wire") }

    let text = report.text(isVerbose: true)

    #expect(text.split(separator: "\n").count { $0.contains("put back  ") } == 30, "\(text)")
    #expect(!text.contains("-v shows"), "\(text)")
  }
}
