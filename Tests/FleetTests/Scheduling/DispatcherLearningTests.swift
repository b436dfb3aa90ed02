import Fleet
import Foundation
import Testing

/// One fault must not be charged to fewer, or take more with it, than it is about.
@Suite struct DispatcherLearningTests {
  private let noon = SmallFleet.noon

  private func dispatcher(_ state: FleetState, _ limits: LimitTable = LimitTable(quotas: [:])) -> Dispatcher {
    let inventory = SmallFleet.inventory()
    return Dispatcher(
      state: state, inventory: inventory, ledger: Ledger(tables: [SmallFleet.authority: limits]), seed: 1, at: noon)
  }

  private func record(_ number: Int64, _ event: Event) -> Record {
    Record(sequence: number, at: noon, sweep: SweepID("s1"), event: event)
  }

  // D3: a certificate of three names, of which two fail: the CA counts a failure for each, and so does the ledger.
  @Test func eachNameThatFailedIsCharged() throws {
    let spec = try SmallFleet.spec("n0", names: ["a.example", "b.example", "c.example"])
    let of = AttemptReference(spec: spec.id, attempt: AttemptID("a1"))
    var dispatcher = dispatcher(
      SmallFleet.state([CertificateState(spec: spec)]),
      LimitTable(quotas: [.failedAuthorizations: try #require(Quota(burst: 5, count: 1, periodSeconds: 720))]))
    let failure = Failure(.wrongAnswer, "404", name: "a.example", alsoFailed: ["c.example"])

    let lesson = dispatcher.learn(
      [
        .attemptStarted(of: of, names: spec.names, authority: SmallFleet.authority, revision: 1),
        .keyMade(of: of, key: Attempt.Key(node: NodeID("lb0-a"), request: "CSR")), .orderRequested(of: of),
        .orderCreated(of: of, url: "https://ca.example/1"), .attemptFailed(of: of, failure: failure),
      ].enumerated().map { record(Int64($0.offset), $0.element) })

    let charged = lesson.rows.filter { $0.tatMicroseconds > 0 }.map(\.key)
    #expect(charged == ["a.example", "c.example"].map { .failures($0, SmallFleet.authority) })
  }

  // D3: journals from before hold failures of one name.
  @Test func aFailureOfAnOlderJournalHasOneName() throws {
    let old = #"{"kind":"wrongAnswer","detail":"404","name":"a.example"}"#

    let read = try JSONDecoder().decode(Failure.self, from: Data(old.utf8))

    #expect(read.names == ["a.example"])
    #expect(String(decoding: try JSONEncoder().encode(read), as: UTF8.self).contains("alsoFailed") == false)
  }

  // D4: one record that does not fold takes nothing from those beside it.
  @Test func aRecordThatDoesNotFoldLeavesTheOthersOfItsBatch() throws {
    let specs = try ["n0", "n1"].map { try SmallFleet.spec($0) }
    let of = AttemptReference(spec: specs[0].id, attempt: AttemptID("a1"))
    var dispatcher = dispatcher(SmallFleet.state(specs.map { CertificateState(spec: $0) }))

    let lesson = dispatcher.learn([
      record(1, .attemptStarted(of: of, names: specs[0].names, authority: SmallFleet.authority, revision: 1)),
      // No key was made, so there is nothing to finalize.
      record(2, .finalizeRequested(of: of)),
      record(3, .ejected(rollout: RolloutID("r"), spec: specs[1].id, failure: Failure(.stageRefused, "no"))),
    ])

    #expect(lesson.disbelieved.count == 1)
    #expect(dispatcher.state.certificates[specs[0].id]?.attempt?.state == .makingKey)
    #expect(dispatcher.state.certificates[specs[1].id]?.lastFailure?.kind == .stageRefused)
  }

  // D1: what a node refused is tried again after the others, never among them.
  @Test func whatWasRefusedDoesNotJoinTheOthersAgain() throws {
    func undeployed(_ name: String) throws -> CertificateState {
      var certificate = SmallFleet.served(
        try SmallFleet.spec(name), issuedAt: noon.addingTimeInterval(-70 * SmallFleet.day))
      certificate.issued = SmallFleet.certificate(
        AttemptID("new-\(name)"), from: noon.addingTimeInterval(-SmallFleet.day))
      return certificate
    }
    var guilty = try undeployed("n0")
    guilty.failures = 1
    guilty.lastFailure = Failure(.stageRefused, "beside it lies an issuer of another CA")
    guilty.lastFailureAt = noon.addingTimeInterval(-3_600)
    guilty.failingSince = guilty.lastFailureAt
    var world = ScriptedWorld(SmallFleet.state([guilty, try undeployed("n1"), try undeployed("n2")]))

    #expect(try world.run())

    #expect(world.rollouts.map { $0.items.map(\.spec.rawValue) } == [["lb0/n1", "lb0/n2"], ["lb0/n0"]])
  }
}
