import ACME
import Appliance
import Fleet
import Foundation
import Journal
import Logging
import Net
import PKI
import SSH

/// Puts together what a run needs: sessions, the CA's client, preflight; and takes it apart again.
struct SweepStage {
  let inventory: Inventory
  let journal: JournalStore
  let requests: RequestDesk
  let clock: any TimeSource
  let sink: any ProgressSink
  let sweep: SweepID
  /// Keys of certificates that are no longer wanted.
  let unwanted: UnwantedKeys
  /// Where pairs have their keys on the controller.
  let controllerKeys: ControllerKeys?
  /// This controller's id, for the marks on nodes.
  let controller: String
  /// Shut down when the run is over, however it ends. Nodes that are worked on at once are bounded by the inventory; half-open handshakes by what
  /// an sshd's backlog takes.
  var client = SSHClient(handshakeLimit: 32)
  /// Told when a renewal has nothing left to do for a good while.
  let waits: @Sendable (SweepRunner.Outcome, Dispatcher.Waiting) async throws(JournalError) -> Void

  /// Runs the dispatcher to its end.
  ///
  /// - Returns: the outcome, and why the CA could not be asked, if it could not.
  func run(
    _ start: Dispatcher, bounds: SweepRunner.Bounds, from sequence: Int64
  ) async throws(JournalError) -> (outcome: SweepRunner.Outcome, authority: Failure?) {
    let (messages, post) = AsyncStream<SweepRunner.Message>.makeStream()
    let recorder = Recorder(journal: journal, sweep: sweep, clock: clock) { post.yield(.records($0)) }
    let loop = CurlLoop()
    defer { loop.shutdown() }
    let http = HTTPClient(loop: loop)
    let desk = AuthorityDesk(
      inventory: inventory, http: http, recorder: recorder, requests: requests, clock: clock)
    var dispatcher = start
    let ordering = start.ordering(at: clock.now)
    let account = try await desk.open(start.state, isNeeded: ordering.isPossible, ledger: &dispatcher.ledger)
    if account.failure != nil || !ordering.isPossible { dispatcher.stopOrdering() }
    let targets = NodeTargets(state: start.state)
    let nodes = Gate(limit: inventory.pace.nodesInFlight)
    let marks = MarkKeeper(controller: controller, recorder: recorder)
    let names = Dictionary(grouping: start.state.certificates.values.lazy.map(\.spec), by: \.pair)
    var sessions: [PairID: PairSession] = [:]
    for pair in inventory.pairs {
      let links = pair.nodes.map { node in
        NodeLink(node: node, client: client, nodes: nodes, marks: marks) { () async throws(Failure) in
          try await targets.target(of: node)
        }
      }
      sessions[pair.id] = PairSession(
        pair: pair, links: links, recorder: recorder, clock: clock, thumbprint: account.thumbprint,
        names: Set((names[pair.id] ?? []).flatMap(\.names.names)), known: .init(of: pair, in: start.state),
        unwanted: unwanted, controllerKeys: controllerKeys, marks: marks)
    }
    let preflight = Preflight(
      http: http, resolvers: inventory.resolvers, thumbprint: account.thumbprint, inventory: inventory,
      issuer: account.issuer, clock: clock)
    let stop = StopSign()
    let issuer = Issuer(
      authority: account.authority, settings: inventory.authorities[0], recorder: recorder, preflight: preflight,
      orders: Gate(limit: inventory.pace.ordersInFlight), polls: PollMemory(), clock: clock, stop: stop,
      authorityTime: { [requests] in await requests.authorityTime(at: $0) })
    let probe = CertificateProbe(loop: loop)
    let deployer = Deployer(recorder: recorder, verifier: Verifier(probe: probe, clock: clock), clock: clock)
    let runner = SweepRunner(
      inventory: inventory, journal: journal, pairs: sessions, issuer: issuer, deployer: deployer,
      survey: PreflightSurvey(preflight: preflight, journal: journal, clock: clock),
      wire: WireLook(probe: probe, clock: clock), targets: targets, requests: requests, clock: clock, sink: sink,
      logger: Logger(label: "certfleet"), waits: waits)
    // Apart from the loop's own news: attempts hear of the first signal at once, however much the loop has to read before it.
    let (heard, bell) = AsyncStream<Int>.makeStream()
    let signals = ShutdownSignals { count in
      bell.yield(count)
      post.yield(.interrupt(count))
    }
    defer { signals.stop() }
    defer { bell.finish() }
    async let _: Void = { [stop, clock] in
      for await _ in heard { await stop.set(at: clock.now) }
    }()
    let outcome: SweepRunner.Outcome
    do throws(JournalError) {
      outcome = try await runner.run(
        dispatcher, sweep: sweep, bounds: bounds, from: sequence, messages: messages, post: post)
    } catch {
      await client.shutdown()
      throw error
    }
    await client.shutdown()
    // A CA that is away is nobody's trouble while nothing was to be asked of it.
    let isTrouble = ordering.isSure || account.failure?.kind.retry != .whenAllowed
    return (outcome, isTrouble ? account.failure : nil)
  }
}
