import Fleet
import Foundation
import Journal
import Logging
import Net
import PKI
import SSH
import Testing

@testable import Controller

/// How a run ends when something of ours is wrong.
@Suite(.timeLimit(.minutes(2))) struct SweepStageTests {
  private struct NoSink: ProgressSink {
    func show(_ snapshot: ProgressSnapshot) async {}
    func recorded(_ records: [Record]) async {}
    func warn(_ text: String) async {}
  }

  private func journal(in folder: ScratchFolder) throws -> JournalStore {
    try JournalStore.open(directory: folder.path + "/state", hash: { sha256($0) })
  }

  private func inventory(_ folder: ScratchFolder, pairs: [Pair]) -> Inventory {
    Inventory(
      path: "/fleet.yaml", state: folder.path + "/state",
      authorities: [Authority(id: AuthorityID("ca"), directory: "https://127.0.0.1:1/dir")], mail: nil, customers: [],
      pairs: pairs, domainFiles: [])
  }

  private func pair() -> Pair {
    let nodes = ["a", "b"].map { name in
      Node(
        id: NodeID(name), address: "127.0.0.1", ssh: SSHSettings(user: "nobody", port: 1), active: .address,
        challenge: .usualThumbprint, terminations: [])
    }
    return Pair(
      id: PairID("p"), customer: nil, appliance: .haproxy, nodes: nodes,
      vips: [VIP(id: VIPID("v"), address: "192.0.2.1")])
  }

  private func dispatcher(_ inventory: Inventory, _ state: FleetState) -> Dispatcher {
    Dispatcher(
      state: state, inventory: inventory, ledger: Ledger(tables: [:]), seed: 1, surveysAll: true, at: Date())
  }

  // G13: a journal that fails in the middle of a run is thrown, and the sessions are closed all the same.
  @Test func aRunThatThrowsClosesItsSessions() async throws {
    let folder = try ScratchFolder()
    let journal = try journal(in: folder)
    let inventory = inventory(folder, pairs: [])
    let client = SSHClient()
    let desk = RequestDesk(inventory.authorities[0], ceilings: [:], clock: SystemClock())
    let stage = SweepStage(
      inventory: inventory, journal: journal, requests: desk, clock: SystemClock(), sink: NoSink(),
      sweep: SweepID("s"), unwanted: UnwantedKeys([]), controllerKeys: nil, controller: "c", client: client
    ) { (_, _) async throws(JournalError) in }
    try stranger(folder, "ALTER TABLE event RENAME TO gone")

    await #expect(throws: JournalError.self) {
      _ = try await stage.run(
        dispatcher(inventory, FleetState()), bounds: .init(purpose: .run, until: nil), from: 0)
    }

    let target = SSHTarget(host: "127.0.0.1", port: 1, user: "nobody", authentications: [], hostKeys: [])
    let refusal = await #expect(throws: SSHError.self) { try await client.connect(to: target) }
    #expect(refusal?.kind == .closed)
  }

  // G13: work for a pair that the run has no session with was dropped, and waited for without end.
  @Test func workForAPairWithoutASessionEndsTheRunAllTheSame() async throws {
    let folder = try ScratchFolder()
    let journal = try journal(in: folder)
    let inventory = inventory(folder, pairs: [pair()])
    let clock = SystemClock()
    let loop = CurlLoop()
    defer { loop.shutdown() }
    let (messages, post) = AsyncStream<SweepRunner.Message>.makeStream()
    let recorder = Recorder(journal: journal, sweep: nil, clock: clock) { post.yield(.records($0)) }
    let preflight = Preflight(
      http: HTTPClient(loop: loop), resolvers: [], thumbprint: "", inventory: inventory, clock: clock)
    let probe = CertificateProbe(loop: loop)
    let runner = SweepRunner(
      inventory: inventory, journal: journal, pairs: [:],
      issuer: Issuer(
        authority: ClosedAuthority(Failure(.interrupted, "no order was planned")), settings: inventory.authorities[0],
        recorder: recorder, preflight: preflight, orders: Gate(limit: 1), polls: PollMemory(), clock: clock),
      deployer: Deployer(recorder: recorder, verifier: Verifier(probe: probe, clock: clock), clock: clock),
      survey: PreflightSurvey(preflight: preflight, journal: journal, clock: clock),
      wire: WireLook(probe: probe, clock: clock), targets: NodeTargets(state: FleetState()),
      requests: RequestDesk(inventory.authorities[0], ceilings: [:], clock: clock), clock: clock, sink: NoSink(),
      logger: Logger(label: "test")
    ) { (_, _) async throws(JournalError) in }

    let outcome = try await runner.run(
      dispatcher(inventory, FleetState()), sweep: SweepID("s"), bounds: .init(purpose: .run, until: nil), from: 0,
      messages: messages, post: post)

    #expect(outcome.end == .completed)
  }

  /// What another program does to the journal.
  private func stranger(_ folder: ScratchFolder, _ sql: String) throws {
    let process = Process()
    process.executableURL = URL(filePath: "/usr/bin/sqlite3")
    process.arguments = [folder.path + "/state/journal.sqlite", sql]
    process.standardOutput = FileHandle.nullDevice
    process.standardError = FileHandle.nullDevice
    try process.run()
    process.waitUntilExit()
    try #require(process.terminationStatus == 0)
  }
}
