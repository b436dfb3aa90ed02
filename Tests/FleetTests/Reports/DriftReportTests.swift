import Fleet
import Foundation
import Testing

/// What a person reads of drift: B2, B12.
@Suite struct DriftReportTests {
  private let noon = SmallFleet.noon
  private let a = DriftPlace.node(NodeID("lb0-a"))

  private func report(_ drift: Drift, sweep: String = "s1", records: [Record] = []) throws -> DriftReport {
    var certificate = SmallFleet.served(try SmallFleet.spec("n0"))
    certificate.drifts = [
      a: DriftState(current: drift, since: noon, sweep: SweepID("s1")),
      .vip: DriftState(current: drift, since: noon, sweep: SweepID("s1")),
    ]
    return DriftReport(
      after: SmallFleet.state([certificate]), records: records, inventory: SmallFleet.inventory(),
      sweep: SweepID(sweep))
  }

  private var stranger: Drift {
    let leaf = SeenLeaf(sha256: "else", serial: "FF", issuer: "Other CA", notAfter: noon + 30 * 86_400)
    return Drift(.replaced, seen: leaf, "the file holds \(leaf.words)")
  }

  @Test func newDriftIsNewsAndKnownDriftIsCounted() throws {
    #expect(try report(stranger).hasNews)
    #expect(try !report(stranger, sweep: "s2").hasNews)
    #expect(try report(stranger, sweep: "s2").count == 1)
  }

  @Test func classPlaceWhatSinceWhenAndTheNextCommandAreSaid() throws {
    let text = try report(stranger).lines.joined(separator: "\n")

    #expect(text.contains("lb0: replaced by another certificate: 1 certificate, 1 new (lb0-a, VIP)"))
    #expect(text.contains("serial FF of Other CA, valid until 2026-10-21"))
    #expect(text.contains("since 2026-09-21"))
    #expect(text.contains("certfleet retry NAME"))
  }

  @Test func whatWasPutRightIsSaidByPair() throws {
    let spec = SpecID("lb0/n0")
    let events: [Event] = [
      .driftSeen(spec: spec, place: a, drift: Drift(.missing, "there is no file")),
      .driftGone(spec: spec, place: a, isHealed: true),
    ]
    let records = events.enumerated().map {
      Record(sequence: Int64($0.offset) + 1, at: noon, sweep: SweepID("s1"), event: $0.element)
    }
    let state = SmallFleet.state([SmallFleet.served(try SmallFleet.spec("n0"))])

    let report = DriftReport(
      after: state, records: records, inventory: SmallFleet.inventory(), sweep: SweepID("s1"))

    #expect(report.groups.isEmpty)
    #expect(!report.hasNews)
    #expect(
      report.healed.map(\.text) == ["lb0: 1 certificate put back without an order (certificate missing on the node)"])
  }
}
