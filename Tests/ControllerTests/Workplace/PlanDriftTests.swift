import Fleet
import Foundation
import Testing

@testable import Controller

/// A plan that was approved yesterday, done today.
@Suite struct PlanDriftTests {
  private let noon = Date(timeIntervalSince1970: 1_790_000_000)
  private let inventory = Inventory(
    path: "/fleet.yaml", state: "/state",
    authorities: [Authority(id: AuthorityID("ca"), directory: "https://ca.example/dir")], mail: nil, customers: [],
    pairs: [
      Pair(
        id: PairID("lb0"), customer: nil, appliance: .haproxy,
        nodes: [
          Node(
            id: NodeID("lb0-a"), address: "192.0.2.1", ssh: SSHSettings(user: "root"), active: .address,
            challenge: .usualThumbprint, terminations: [])
        ], vips: [VIP(id: VIPID("web"), address: "198.51.100.7")])
    ], domainFiles: [])

  private func spec(_ name: String, names: [String]? = nil) throws -> CertificateSpec {
    let set = try #require(NameSet(names ?? ["\(name).example"]))
    return CertificateSpec(
      id: SpecID("lb0/\(name)"), pair: PairID("lb0"), vip: VIPID("web"), customer: nil, label: name, names: set,
      key: .ecdsaP256, profile: nil, registeredDomains: set.names, source: nil)
  }

  private func state(_ names: [String]) throws -> FleetState {
    var state = FleetState()
    for name in names {
      let spec = try spec(name)
      state.certificates[spec.id] = CertificateState(spec: spec)
    }
    return state
  }

  private func saved(_ state: FleetState) -> SavedPlan {
    SavedPlan(
      plan: Planner.plan(state, inventory: inventory, at: noon),
      revisions: Dictionary(uniqueKeysWithValues: state.certificates.map { ($0.key.rawValue, $0.value.revision) }))
  }

  @Test func aPlanThatStillHoldsSaysNothing() throws {
    let state = try state(["a", "b"])

    let drift = PlanDrift(saved(state), state, inventory: inventory, at: noon + 60)

    #expect(drift.lines(since: noon).isEmpty)
  }

  @Test func whatChangedSinceIsNamedByItsKind() throws {
    let plan = saved(try state(["a", "b", "c", "d"]))
    var state = try state(["a", "b", "c"])
    state.certificates[SpecID("lb0/b")]?.spec = try spec("b", names: ["b.example", "www.b.example"])
    state.certificates[SpecID("lb0/b")]?.revision = 2
    state.certificates[SpecID("lb0/c")]?.lastFailure = Failure(.paused, "gone")
    state.certificates[SpecID("lb0/c")]?.lastFailureAt = noon
    state.certificates[SpecID("lb0/c")]?.failingSince = noon

    let drift = PlanDrift(plan, state, inventory: inventory, at: noon + 60)

    #expect(drift.revised == [SpecID("lb0/b")])
    #expect(drift.gone == [SpecID("lb0/d")])
    #expect(drift.blocked.map(\.spec) == [SpecID("lb0/c")])
    let lines = drift.lines(since: noon)
    #expect(lines.count == 3)
    #expect(lines.contains { $0.contains("1 certificate no longer wanted: lb0/d") })
    #expect(lines.contains { $0.contains("left out; plan again: lb0/b") })
  }

  @Test func aPlanSavedWithoutRevisionsIsDoneAsItStands() throws {
    var plan = saved(try state(["a"]))
    plan.revisions = nil
    var state = try state(["a"])
    state.certificates[SpecID("lb0/a")]?.revision = 2

    #expect(PlanDrift(plan, state, inventory: inventory, at: noon).lines(since: noon).isEmpty)
  }

  @Test func aSavedPlanIsReadAsItWasWritten() throws {
    let path = FileManager.default.temporaryDirectory.appending(path: "plan-\(UUID().uuidString).json").path
    defer { do { try FileManager.default.removeItem(atPath: path) } catch {} }
    let plan = saved(try state(["a", "b"]))

    try plan.save(to: path)
    let read = try SavedPlan.load(from: path)

    #expect(read.plan == plan.plan)
    #expect(read.revisions == plan.revisions)
  }
}
