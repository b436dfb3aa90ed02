import Appliance
import Fleet
import Foundation
import Journal

/// One pair during one run: its nodes' sessions, who is active, keys to be made, challenges to be answered.
actor PairSession {
  nonisolated let pair: Pair
  nonisolated let links: [NodeID: NodeLink]
  nonisolated let facts = FactsCache()
  /// Keys that lie on the controller, where this pair has them there.
  nonisolated let controllerKeys: ControllerKeys?
  let recorder: Recorder
  private let clock: any TimeSource
  private nonisolated let tunnels: [NodeID: TunnelDesk]
  private let keyMakers: [NodeID: CoalescedWork<KeyOrder, Result<String, Failure>>]
  /// Who worked on the nodes last, and what this controller leaves there.
  private nonisolated let marks: MarkKeeper?
  private let asking = Gate(limit: 1)
  private let hosts: CoalescedWork<AllowedNames, Failure?>
  private var known: KnownTroubles
  /// Rollouts that left something on each node: of runs that were killed, and of nodes that died under them.
  private var leftovers: [NodeID: Set<RolloutID>] = [:]
  /// Keys of certificates that are no longer wanted, where they may still lie, and keys that only a node knows of.
  var unwanted: [NodeID: [AttemptID]] = [:]
  private let foreseeing = Gate(limit: 1)
  /// What was seen of the places of certificates before anything was ordered for them.
  private var foreseen: Set<SpecID> = []
  private var refusals: [SpecID: Failure] = [:]
  private var lastAnswer: (at: Date, verdicts: [VIPID: ActiveVerdict], silent: [NodeID: Failure])?

  /// Troubles that the journal already has: only changes are events.
  struct KnownTroubles: Sendable {
    var pair: Failure?
    var nodes: [NodeID: Failure] = [:]
    var facts: [NodeID: String] = [:]

    /// What the journal has of this pair.
    init(of pair: Pair, in state: FleetState) {
      self.pair = state.pairs[pair.id]?.trouble
      for node in pair.nodes {
        nodes[node.id] = state.nodes[node.id]?.trouble
        facts[node.id] = state.nodes[node.id]?.facts
      }
    }
  }

  init(
    pair: Pair, links list: [NodeLink], recorder: Recorder, clock: any TimeSource, thumbprint: String,
    names: Set<String>, known: KnownTroubles, unwanted: UnwantedKeys = UnwantedKeys([]),
    controllerKeys: ControllerKeys? = nil, marks: MarkKeeper? = nil
  ) {
    self.marks = marks
    let links = Dictionary(uniqueKeysWithValues: list.map { ($0.node.id, $0) })
    self.pair = pair
    self.links = links
    self.recorder = recorder
    self.clock = clock
    self.known = known
    self.controllerKeys = controllerKeys
    for id in links.keys + [.controller] { self.unwanted[id] = unwanted.left(of: pair.id, on: id) }
    tunnels = links.compactMapValues { link in
      guard case .tunnel(let port) = link.node.challenge else { return nil }
      return TunnelDesk(
        node: link.node.id, way: TunnelWay(over: link), port: port,
        responder: .init(pair: pair.id, thumbprint: thumbprint))
    }
    let rule = HostsRule(links: list, names: names)
    hosts = CoalescedWork(limit: 1_000) { requests in
      let silent = requests.reduce(into: Set<NodeID>()) { $0.formUnion($1.silent) }
      let failure = await rule.allow(requests.flatMap(\.names), except: silent)
      return requests.map { _ in failure }
    }
    keyMakers = links.mapValues { link in
      CoalescedWork(limit: 25) { orders in await Self.makeKeys(orders, on: link) }
    }
  }

  // MARK: Who is active

  /// Asks both nodes what they are and who is active; what changed is recorded.
  func survey() async throws(JournalError) -> PairSurvey {
    var events: [Event] = []
    for (node, outcome) in await surveyedNodes() {
      if case .success(let found) = outcome {
        await facts.keep(found, of: node)
        // Another controller may work on the same nodes: only what this one's journal knows is ours to take away.
        leftovers[node, default: []].formUnion(try recorder.journal.endedRollouts(among: found.leftovers ?? []))
        try note(oldKeys: found.oldKeys ?? [], on: node)
        if let text = found.journalText, known.facts[node] != text {
          known.facts[node] = text
          events.append(.nodeSurveyed(node: node, facts: text))
        }
      }
    }
    var (verdicts, silent) = await ask()
    for node in pair.nodes where silent[node.id] == nil {
      // A node that answers but cannot be worked with counts as broken: the pair is degraded.
      if let lack = await facts.of(node.id)?.fatalLack(on: node) { silent[node.id] = lack }
    }
    let fenced = try await fence()
    // Where one node was worked on by somebody else, the pair was: nothing is written on either.
    if let fenced { for node in pair.nodes where silent[node.id] == nil { silent[node.id] = fenced } }
    for node in pair.nodes.map(\.id) where silent[node] == nil {
      await tidy(node)
      events += await removeUnwantedKeys(on: node)
    }
    events += await removeUnwantedKeysHere()
    // A node whose answer we did not wait for is not in trouble.
    if !Task.isCancelled { events += await newTroubles(verdicts, silent) }
    if !events.isEmpty { try await recorder.record(events) }
    var skews: [NodeID: Int] = [:]
    for node in pair.nodes { skews[node.id] = await facts.of(node.id)?.clockSkew }
    return PairSurvey(
      active: verdicts.mapValues { verdict in fenced.map { .none($0) } ?? Self.activeNode(verdict) },
      unreachable: silent, at: clock.now, clockSkews: skews)
  }

  /// Why nothing may be written on this pair: somebody else worked on one of its nodes, or this controller with a later journal.
  private func fence() async throws(JournalError) -> Failure? {
    guard let marks else { return nil }
    for node in pair.nodes {
      guard let found = await facts.of(node.id)?.marks else { continue }
      if let failure = try await marks.judge(found, on: node.id) { return failure }
    }
    return nil
  }

  /// From now on scripts that change something on these nodes leave a new mark.
  func renewMarks(on nodes: [NodeID]) async { await marks?.renew(on: nodes) }

  /// Removes what rollouts left there, staged keys among it. What cannot be removed now is left for the next survey.
  private func tidy(_ id: NodeID) async {
    guard let rollouts = leftovers[id], !rollouts.isEmpty, await facts.of(id) != nil else { return }
    for rollout in rollouts.sorted() {
      do throws(Failure) {
        // What it replaced, as far as it came, is the previous set now.
        try await work(on: id, rollout: rollout).cleanUp(succeeded: true)
        leftovers[id]?.remove(rollout)
      } catch {
        return
      }
    }
  }

  /// A rollout could not take away what it left on a node: the next survey does, once the node answers.
  func leave(_ rollout: RolloutID, on node: NodeID) { leftovers[node, default: []].insert(rollout) }

  /// Who is active for a VIP, from an answer that is at most `seconds` old.
  func activeNode(for vip: VIPID, atMost seconds: Double) async -> ActiveNode {
    guard let verdict = await recentVerdicts(seconds)[vip] else {
      return .none(Failure(.roleUnknown, "VIP \(vip) is not in the inventory of \(pair.id)"))
    }
    return Self.activeNode(verdict)
  }

  private static func activeNode(_ verdict: ActiveVerdict) -> ActiveNode {
    switch verdict {
    case .active(let node, _): .node(node)
    case .none(let failure), .splitBrain(let failure), .unknown(let failure): .none(failure)
    }
  }

  private func recentVerdicts(_ seconds: Double) async -> [VIPID: ActiveVerdict] {
    if let lastAnswer, clock.now.timeIntervalSince(lastAnswer.at) <= seconds { return lastAnswer.verdicts }
    return await asking.run { await self.verdicts(atMost: seconds) }
  }

  /// Looked at again behind the gate: who waited there mostly finds a fresh answer.
  private func verdicts(atMost seconds: Double) async -> [VIPID: ActiveVerdict] {
    if let lastAnswer, clock.now.timeIntervalSince(lastAnswer.at) <= seconds { return lastAnswer.verdicts }
    return await ask().verdicts
  }

  private func ask() async -> (verdicts: [VIPID: ActiveVerdict], silent: [NodeID: Failure]) {
    let vips = pair.vips
    let answers = await withTaskGroup(of: NodeAnswer<[VIPID: Role]>.self) { group in
      for link in links.values {
        group.addTask {
          let roles = await link.roles(of: vips)
          return NodeAnswer(node: link.node.id, answer: roles)
        }
      }
      var answers: [NodeID: Result<[VIPID: Role], Failure>] = [:]
      for await one in group { answers[one.node] = one.answer }
      return answers
    }
    var verdicts: [VIPID: ActiveVerdict] = [:]
    for vip in vips {
      let said = pair.nodes.compactMap { node in
        answers[node.id].map { (node: node.id, role: $0.map { $0[vip.id] ?? .unknown("no answer") }) }
      }
      verdicts[vip.id] = ActiveVerdict.decide(vip: vip.id, answers: said)
    }
    let silent = answers.compactMapValues { answer in
      if case .failure(let failure) = answer { failure } else { nil }
    }
    lastAnswer = (clock.now, verdicts, silent)
    return (verdicts, silent)
  }

  private func surveyedNodes() async -> [NodeID: Result<NodeFacts, Failure>] {
    await withTaskGroup(of: NodeAnswer<NodeFacts>.self) { group in
      for link in links.values where await facts.of(link.node.id) == nil {
        group.addTask { [clock] in
          let facts = await link.facts(clock)
          return NodeAnswer(node: link.node.id, answer: facts)
        }
      }
      var found: [NodeID: Result<NodeFacts, Failure>] = [:]
      for await one in group { found[one.node] = one.answer }
      return found
    }
  }

  /// What one node answered. No tuple: the optimiser breaks those (Docs/decisions/0010).
  private struct NodeAnswer<Value: Sendable>: Sendable {
    var node: NodeID
    var answer: Result<Value, Failure>
  }

  /// Records an alarm about a node that a step came across.
  func note(_ alarm: Failure, of node: NodeID) async throws(JournalError) {
    guard known.nodes[node]?.kind != alarm.kind else { return }
    known.nodes[node] = alarm
    try await recorder.record(.nodeTroubled(node: node, failure: alarm))
  }

  /// Asks nodes again that could not have restarted: a rollout may have put back the file that was missing.
  func askAgain(_ nodes: [NodeID]) async throws(JournalError) {
    for id in nodes where known.nodes[id]?.kind == .nodeCannotRestart {
      guard let link = links[id], case .success(let found) = await link.facts(clock), found.alarm(on: link.node) == nil
      else { continue }
      await facts.keep(found, of: id)
      known.nodes[id] = nil
      known.facts[id] = found.journalText
      try await recorder.record(
        [found.journalText.map { .nodeSurveyed(node: id, facts: $0) }, .nodeHealed(node: id)].compactMap(\.self))
    }
  }

  /// What nodes say of another controller that worked on them, where they do.
  var strangers: [NodeID: String] { known.nodes.filter { $0.value.kind == .fenced }.mapValues(\.detail) }

  /// What a look found of a node's own listener: dead, or alive again. Another trouble of the node says more.
  func hear(_ death: String?, of node: NodeID) async throws(JournalError) {
    let trouble = known.nodes[node]
    guard trouble == nil || trouble?.kind == .listenerDead, (trouble != nil) != (death != nil) else { return }
    let failure = death.map { Failure(.listenerDead, $0, node: node) }
    known.nodes[node] = failure
    try await recorder.record(failure.map { .nodeTroubled(node: node, failure: $0) } ?? .nodeHealed(node: node))
  }

  private func newTroubles(_ verdicts: [VIPID: ActiveVerdict], _ silent: [NodeID: Failure]) async -> [Event] {
    var events: [Event] = []
    for node in pair.nodes {
      var trouble = silent[node.id]
      if trouble == nil, let found = await facts.of(node.id) { trouble = found.alarm(on: node) }
      // Whether its listener is alive is seen by a look, not by asking.
      if trouble == nil, known.nodes[node.id]?.kind == .listenerDead { continue }
      guard trouble?.kind != known.nodes[node.id]?.kind else { continue }
      known.nodes[node.id] = trouble
      events.append(trouble.map { .nodeTroubled(node: node.id, failure: $0) } ?? .nodeHealed(node: node.id))
    }
    // A VIP that nobody holds because its nodes do not answer is the nodes' trouble, already said.
    let trouble = verdicts.sorted { $0.key < $1.key }.compactMap(\.value.failure).first { failure in
      failure.node.map { silent[$0] == nil } ?? true
    }
    if trouble?.kind != known.pair?.kind {
      known.pair = trouble
      events.append(trouble.map { .pairTroubled(pair: pair.id, failure: $0) } ?? .pairHealed(pair: pair.id))
    }
    return events
  }

  // MARK: What a rollout would refuse

  /// Whether a rollout would refuse this certificate, seen before anything is ordered for it: one step a node for all that are given. A refusal
  /// is recorded when it is news.
  ///
  /// - Parameter anew: certificates to be looked at together; empty where an earlier call looks or looked at this one.
  func refuses(_ certificate: CertificateState, anew: [CertificateState]) async throws(JournalError) -> Bool {
    try await foreseeing.run { () async throws(JournalError) in try await self.foresee(certificate, anew) }
    guard let failure = refusals[certificate.spec.id] else { return false }
    if certificate.lastFailure?.kind != failure.kind || certificate.lastFailure?.detail != failure.detail {
      try await recorder.record(.specVetoed(spec: certificate.spec.id, failure: failure))
    }
    return true
  }

  private func foresee(_ certificate: CertificateState, _ anew: [CertificateState]) async throws(JournalError) {
    let id = certificate.spec.id
    let isKnown = foreseen.contains(id) || anew.contains { $0.spec.id == id }
    let wanted = isKnown ? anew : anew + [certificate]
    guard !wanted.isEmpty else { return }
    let found = try await PairForesight(journal: recorder.journal).look(at: wanted, of: pair, on: workable())
    for one in wanted {
      foreseen.insert(one.spec.id)
      refusals[one.spec.id] = found.refusals[one.spec.id]
    }
    try await recorder.journal.keep(found.findings(of: wanted, at: clock.now), at: clock.now)
  }

  private func workable() async -> [PairForesight.Place] {
    var places: [PairForesight.Place] = []
    for link in links.values {
      if let known = await facts.of(link.node.id) { places.append(PairForesight.Place(link: link, facts: known)) }
    }
    return places
  }

  // MARK: Keys

  /// Makes a key and a request: on the node that is active for the certificate's VIP, or on the controller.
  ///
  /// - Parameters:
  ///   - reuse: a key to take again where it lies at that place; elsewhere a new one is made.
  ///   - spent: attempts whose keys nobody needs any more; those that lie there go.
  func makeKey(
    for spec: CertificateSpec, attempt: AttemptID, reuse: Dispatcher.ReusableKey?, spent: [AttemptID]
  ) async -> Result<Attempt.Key, Failure> {
    if pair.keys == .controller {
      guard let controllerKeys else { return .failure(Failure(.internalError, "no passphrase for keys")) }
      let old = reuse.flatMap { $0.nodes.contains(.controller) ? $0.attempt : nil }
      return await controllerKeys.make(attempt, names: spec.names, key: spec.key, reuse: old, spent: spent)
    }
    switch await activeNode(for: spec.vip, atMost: 60) {
    case .none(let failure): return .failure(failure)
    case .node(let node):
      guard let maker = keyMakers[node] else { return .failure(Failure(.internalError, "no session with \(node)")) }
      let made = await maker(
        KeyOrder(
          attempt: attempt, names: spec.names, key: spec.key,
          reuse: reuse.flatMap { $0.nodes.contains(node) ? $0.attempt : nil }, spent: spent))
      return made.map { Attempt.Key(node: node, request: $0) }
    }
  }

  private static func makeKeys(_ orders: [KeyOrder], on link: NodeLink) async -> [Result<String, Failure>] {
    do throws(Failure) {
      let script = KeyWork.make(orders, on: link.node, nonce: .fresh())
      let requests = try KeyWork.readRequests(try await link.run(script), of: script, orders: orders)
      return orders.map { requests[$0.attempt] ?? .failure(Failure(.keyNotMade, "no answer", node: link.node.id)) }
    } catch {
      return orders.map { _ in .failure(error) }
    }
  }

  // MARK: Challenges

  /// Has the static rule answer for these names on every node that it can reach.
  func allow(_ names: [String]) async -> Failure? {
    await hosts(AllowedNames(names: names, silent: Set((lastAnswer?.silent ?? [:]).keys)))
  }

  /// Names for which the static rule is to answer, and the nodes that did not answer when they were asked last.
  private struct AllowedNames: Sendable {
    var names: [String]
    var silent: Set<NodeID>
  }

  /// How http-01 is answered for a VIP: by the way of its active node, or of the first node while nobody knows.
  func challengeMethod(for vip: VIPID) async -> ChallengeMethod {
    if case .node(let id) = await activeNode(for: vip, atMost: 60), let link = links[id] { return link.node.challenge }
    return pair.nodes[0].challenge
  }

  /// Makes the tokens answerable where the VIP leads now; the static rule needs nothing.
  func present(tokens: [String], for vip: VIPID) async -> Failure? {
    switch await activeNode(for: vip, atMost: 5) {
    case .none(let failure): return failure
    case .node(let node): return await tunnels[node]?.present(tokens)
    }
  }

  /// Tokens that the CA has looked at.
  func withdraw(tokens: [String]) async {
    for tunnel in tunnels.values { await tunnel.withdraw(tokens) }
  }

  /// Keeps the pair's tunnels, if it has any, until `close`.
  nonisolated func serve() async {
    await withDiscardingTaskGroup { group in
      for tunnel in tunnels.values { group.addTask { await tunnel.serve() } }
    }
  }

  /// Whether `serve` has anything to do.
  nonisolated var hasTunnels: Bool { !tunnels.isEmpty }

  /// Closes sessions and tunnels.
  func close() async {
    for tunnel in tunnels.values { await tunnel.close() }
    for link in links.values { await link.close() }
  }
}
