import Fleet
import Foundation
import Journal
import Net
import SSH

extension Workplace {
  /// Puts the previous certificates back: of these names, or of a whole pair.
  ///
  /// Beside a run it works only on pairs that are paused and come to rest, so that no rollout is under way there.
  ///
  /// - Throws: `.badInput` for unknown names, `.couldNotRun` beside a run that may touch the pair.
  public func rollBack(_ names: [String], pair: String?) async throws(CommandFault) -> RollbackReport {
    let controller = try await controllerID()
    let state = try fleetState()
    var chosen = try find(names, in: state)
    if let pair {
      let id = try find(pairs: [pair])
      chosen += state.certificates.values.filter { id.contains($0.spec.pair) }
    }
    let issued = chosen.filter { $0.issued != nil }
    guard !issued.isEmpty else {
      throw .badInput(
        "no certificate was issued for \(pair ?? names.joined(separator: ", ")), so there is nothing to go back to")
    }
    let byPair = Dictionary(grouping: issued, by: \.spec.pair)
    let lock = try journaled(try SweepLock.tryAcquire(directory: inventory.state, purpose: .run, at: clock.now))
    guard let lock else {
      try journaled(try beAlone(on: Set(byPair.keys), state))
      return try await rollBack(byPair, state, controller)
    }
    let report = try await rollBack(byPair, state, controller)
    lock.release()
    return report
  }

  /// Two hands on one pair would spoil each other's work.
  private func beAlone(on pairs: Set<PairID>, _ state: FleetState) throws(JournalError) {
    let busy = Set(try journal.openRollouts().map(\.pair))
    for pair in pairs.sorted() {
      guard state.isPaused(pair, at: clock.now) else {
        throw .inUse("a run is going on; say certfleet pause \(pair) first, and then rollback again")
      }
      guard !busy.contains(pair) else {
        throw .inUse("a rollout onto \(pair) is under way; it is paused, so wait until that one has ended")
      }
    }
  }

  private func rollBack(
    _ byPair: [PairID: [CertificateState]], _ state: FleetState, _ controller: String
  ) async throws(CommandFault) -> RollbackReport {
    let client = SSHClient()
    let loop = CurlLoop()
    defer { loop.shutdown() }
    let targets = NodeTargets(state: state)
    let recorder = Recorder(journal: journal, sweep: nil, clock: clock) { _ in }
    let verifier = Verifier(probe: CertificateProbe(loop: loop), clock: clock)
    let gate = Gate(limit: inventory.pace.nodesInFlight)
    let marks = MarkKeeper(controller: controller, recorder: recorder)
    var random = SeededGenerator(seed: UInt64.random(in: .min ... .max))
    var report = RollbackReport()
    var fault: JournalError?
    for pair in inventory.pairs {
      guard fault == nil, let certificates = byPair[pair.id] else { continue }
      let links = pair.nodes.map { node in
        NodeLink(node: node, client: client, nodes: gate, marks: marks) { () async throws(Failure) in
          try await targets.target(of: node)
        }
      }
      let session = PairSession(
        pair: pair, links: links, recorder: recorder, clock: clock, thumbprint: "", names: [],
        known: .init(of: pair, in: state), marks: marks)
      do throws(JournalError) {
        var walk = try RollbackWalk(
          id: random.id("b"), pair: session, certificates: certificates.sorted { $0.spec.id < $1.spec.id },
          recorder: recorder, verifier: verifier, clock: clock)
        defer { report.add(walk.report) }
        try await walk.run()
      } catch {
        fault = error
      }
      await session.close()
    }
    await client.shutdown()
    if let fault { throw CommandFault(fault) }
    return report
  }
}
