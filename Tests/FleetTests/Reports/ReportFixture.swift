import Fleet
import Foundation
import HostileText

/// A fleet after a run in which everything happened that a report has words for.
struct ReportFixture {
  let noon = SmallFleet.noon
  let sweep = SweepID("s0000000000000001")
  var inventory = SmallFleet.inventory()
  var before = FleetState()
  var after = FleetState()
  var records: [Record] = []

  /// A served certificate, kept, renewed or new in this run.
  mutating func serve(_ name: String, customer: String? = "acme", was: Was) throws {
    let spec = try SmallFleet.spec(name, customer: customer)
    let now = SmallFleet.served(spec)
    after.certificates[spec.id] = now
    switch was {
    case .unknown: before.certificates[spec.id] = CertificateState(spec: spec)
    case .same: before.certificates[spec.id] = now
    case .older:
      var old = now
      old.issued = SmallFleet.certificate(AttemptID("older"))
      old.served = AttemptID("older")
      before.certificates[spec.id] = old
    }
  }

  enum Was { case unknown, same, older }

  /// A failing certificate; `since` another sweep makes it known.
  mutating func fail(
    _ name: String, _ failure: Failure, customer: String? = "acme", pair: String = "lb0", isNew: Bool = true,
    stillServed: Bool = false
  ) throws {
    let spec = try SmallFleet.spec(name, pair: pair, customer: customer)
    var state = stillServed ? SmallFleet.served(spec) : CertificateState(spec: spec)
    if !isNew { before.certificates[spec.id] = state }
    state.lastFailure = failure
    state.lastFailureAt = noon
    state.failures = 1
    state.failingSince = isNew ? noon : noon.addingTimeInterval(-SmallFleet.day)
    state.failingSweep = isNew ? sweep : SweepID("s-earlier")
    after.certificates[spec.id] = state
    if isNew { before.certificates[spec.id] = CertificateState(spec: spec) }
  }

  func report(_ purpose: SweepPurpose = .run, end: SweepEnd = .completed) -> SweepReport {
    SweepReport(
      sweep: sweep, purpose: purpose, end: end, startedAt: noon, endedAt: noon.addingTimeInterval(125),
      before: before, after: after, records: records, inventory: inventory)
  }

  /// Every text that others write is hostile: details of all kinds, reasons, names of customers.
  static func hostile() throws -> ReportFixture {
    var fixture = ReportFixture()
    fixture.inventory.customers = [
      Customer(id: CustomerID("acme"), name: "<b>Acme</b>\u{1b}[31m & \"Sons\""),
      Customer(id: CustomerID("zeta"), name: "=cmd|' /C calc'!A0"),
    ]
    for (index, hostile) in Hostile.texts.enumerated() {
      let kind = Failure.Kind.allCases[index % Failure.Kind.allCases.count]
      try fixture.fail("n\(index)", Failure(kind, hostile.text, name: hostile.text), stillServed: index % 2 == 0)
    }
    try fixture.serve("weak", was: .unknown)
    let weak = SpecID("lb0/weak")
    fixture.after.certificates[weak]?.installations[NodeID("lb0-b")]?.proof = .memory
    fixture.after.certificates[weak]?.installations[NodeID("lb0-b")]?.reason = Hostile.text
    fixture.after.pairs[PairID("lb0")] = PairState(
      trouble: Failure(.splitBrain, Hostile.text), troubledAt: fixture.noon)
    fixture.after.nodes[NodeID("lb0-a")] = NodeState(
      trouble: Failure(.hostKeyChanged, Hostile.text), troubledAt: fixture.noon)
    fixture.records = [
      Record(
        sequence: 1, at: fixture.noon, sweep: fixture.sweep,
        event: .attemptFailed(
          of: AttemptReference(spec: weak, attempt: AttemptID("a")), failure: Failure(.orderLost, Hostile.text)))
    ]
    return fixture
  }
}
