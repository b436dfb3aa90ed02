public import Appliance
public import Fleet
import Foundation
import Journal
import PKI
import SSH

/// What `enroll` found and did.
public struct Enrolment: Sendable, Encodable {
  /// One entry for each node, in inventory order.
  public var nodes: [NodeLine] = []
  /// Entries of a known_hosts file that cannot count, and why.
  public var notes: [String] = []
  /// The exact lines to paste, by pair.
  public var challengeRules: [Rule] = []
  /// What a login that is not root has to be given, by pair.
  public var rights: [RightsLines] = []
  /// Whether something is left to do.
  public var needsAttention: Bool {
    nodes.contains { $0.standing != .pinned || $0.failure != nil || !$0.missing.isEmpty }
  }

  /// What was found about one node.
  public struct NodeLine: Sendable, Encodable {
    /// Its pair.
    public var pair: PairID
    /// The node, or `jump:ADDRESS:PORT`.
    public var node: NodeID
    /// Its host keys stand like this.
    public var standing: Standing
    /// `type SHA256:…` of each key that it shows.
    public var fingerprints: [String]
    /// What it is, where it could be asked.
    public var facts: String?
    /// What is missing, with the remedy.
    public var missing: [String]
    /// Why it could not be asked.
    public var failure: String?
    /// What lies in the way of certificates, with the remedy.
    public var places: String?
    /// What its login may do, or has to be given.
    public var rights: Rights?
  }

  /// Lines for the nodes of a pair that need the same.
  public struct RightsLines: Sendable, Encodable {
    /// The nodes.
    public var nodes: [NodeID]
    /// What they need.
    public var rights: Rights
  }

  /// How a node's host keys stand.
  public enum Standing: String, Sendable, Encodable {
    case pinned
    case unknown
    case changed
    case unreachable
  }

  /// Lines for a pair's HAProxy.
  public struct Rule: Sendable, Encodable {
    /// The pair.
    public var pair: PairID
    /// What to paste, comments included.
    public var lines: String
  }

  /// For people.
  public var text: String {
    var out: [String] = []
    for line in nodes {
      out.append("\(line.pair) \(line.node): \(words(line.standing))")
      out += line.fingerprints.map { "    \($0)" }
      if let facts = line.facts { out.append("    \(Printable.terminal(facts))") }
      if let failure = line.failure { out.append("    \(Printable.terminal(failure))") }
      if let rights = line.rights { out.append("    rights: \(Printable.terminal(words(rights)))") }
      if let places = line.places { out.append("    \(Printable.terminal(places))") }
      out += line.missing.map { "    missing: \(Printable.terminal($0))" }
    }
    out += notes.map { "note: \(Printable.terminal($0))" }
    if nodes.contains(where: { $0.standing == .unknown || $0.standing == .changed }) {
      out += ["", "Compare the fingerprints with the nodes' consoles, then: certfleet enroll --accept"]
    }
    for rule in challengeRules {
      out += ["", "Lines for HAProxy on both nodes of \(rule.pair):", ""]
      out += rule.lines.split(separator: "\n").map { "    \($0)" }
    }
    for lines in rights { out += self.lines(lines) }
    return out.joined(separator: "\n")
  }

  private func words(_ rights: Rights) -> String {
    switch rights.mode {
    case .root: "root (\(rights.reasons.joined(separator: "; ")))"
    case .limited: "limited; what it needs stands below"
    }
  }

  private func lines(_ rights: RightsLines) -> [String] {
    let nodes = rights.nodes.map(\.rawValue).joined(separator: " and ")
    var out = ["", "Rights for the login on \(nodes). As root:", ""]
    out += rights.rights.commands.map { "    \($0)" }
    if !rights.rights.sudoers.isEmpty {
      out += ["", "In /etc/sudoers.d/certfleet there (mode 0440):", ""]
      out += rights.rights.sudoers.map { "    \($0)" }
    }
    if !rights.rights.settings.isEmpty {
      out += ["", "In the configurations:", ""]
      out += rights.rights.settings.map { "    \($0)" }
    }
    return out.map(Printable.terminal)
  }

  private func words(_ standing: Standing) -> String {
    switch standing {
    case .pinned: "host keys pinned"
    case .unknown: "host keys not pinned yet"
    case .changed: "HOST KEYS CHANGED since they were pinned"
    case .unreachable: "not reachable"
    }
  }
}

extension Workplace {
  /// Shows and pins host keys, and finds out what each node can do.
  ///
  /// - Parameters:
  ///   - accepts: Pin what is shown; without it nothing is pinned.
  ///   - knownHosts: A known_hosts file whose entries for the nodes' addresses count as compared by a person.
  ///   - progress: Told how many pairs are done, of how many.
  public func enroll(
    _ ids: [String], accepts: Bool, knownHosts: String?, progress: @escaping @Sendable (Int, Int) -> Void
  ) async throws(CommandFault) -> Enrolment {
    let chosen = Set(try find(pairs: ids))
    let state = try fleetState()
    let thumbprint = try AccountKeys(state: inventory.state).key(of: inventory.authorities[0]).thumbprint
    let client = SSHClient()
    let targets = NodeTargets(state: state)
    let hosts = try knownHosts.map { (path) throws(CommandFault) in KnownHosts.parse(try Self.text(of: path)) }
    let desk = EnrolmentDesk(
      client: client, targets: targets, clock: clock, accepts: accepts, knownHosts: hosts,
      foresight: PairForesight(journal: journal), wanted: await wantedForPlaces(state))
    var enrolment = Enrolment()
    enrolment.notes = (hosts?.skipped ?? []).map { "\(knownHosts ?? ""):\($0.line): not taken over: \($0.reason)" }
    let pairs = inventory.pairs.filter { chosen.contains($0.id) }
    let found = await Self.all(pairs, desk, state, progress)
    await client.shutdown()
    for pair in pairs {
      guard var answer = found[pair.id] else { continue }
      switch Self.rule(for: pair, thumbprint: thumbprint, facts: answer.facts) {
      case .success(let rule): enrolment.challengeRules.append(rule)
      case .failure(let obstacle):
        for index in answer.lines.indices where answer.lines[index].node == obstacle.node {
          answer.lines[index].missing.append(obstacle.text)
        }
      }
      enrolment.nodes += answer.lines
      enrolment.rights += Self.rights(of: pair, among: answer.facts)
    }
    try await record(pairs.flatMap { found[$0.id]?.events ?? [] })
    return enrolment
  }

  /// What the lists ask for; lists with faults stop no enrolment.
  private func wantedForPlaces(_ state: FleetState) async -> FleetState {
    do throws(CommandFault) {
      return try await wantedState(at: clock.now).0
    } catch {
      return state
    }
  }

  /// Pairs asked at the same time: each costs a handshake per type of host key on both nodes.
  private static let pairsInFlight = 16

  private static func all(
    _ pairs: [Pair], _ desk: EnrolmentDesk, _ state: FleetState, _ progress: @escaping @Sendable (Int, Int) -> Void
  ) async -> [PairID: EnrolmentDesk.Answer] {
    let gate = Gate(limit: pairsInFlight)
    return await withTaskGroup(of: Asked.self) { group in
      for pair in pairs {
        group.addTask {
          let answer = await gate.run { await desk.enroll(pair, state) }
          return Asked(pair: pair.id, answer: answer)
        }
      }
      var found: [PairID: EnrolmentDesk.Answer] = [:]
      for await one in group {
        found[one.pair] = one.answer
        progress(found.count, pairs.count)
      }
      return found
    }
  }

  private struct Asked: Sendable {
    var pair: PairID
    var answer: EnrolmentDesk.Answer
  }

  /// Why no lines are printed for a pair: pasted into a HAProxy that is too old, they would keep it from starting.
  private struct Obstacle: Error {
    var node: NodeID
    var text: String
  }

  /// The lines of a pair; each node's version has to allow them, as far as it is known.
  private static func rule(
    for pair: Pair, thumbprint: String, facts: [NodeID: NodeFacts]
  ) -> Result<Enrolment.Rule, Obstacle> {
    var lines: [String] = []
    for node in pair.nodes {
      switch ChallengeRule.lines(for: node, haproxy: facts[node.id]?.haproxy, pair: pair.id, thumbprint: thumbprint) {
      case .success(let text): if !lines.contains(text) { lines.append(text) }
      case .failure(let lack): return .failure(Obstacle(node: node.id, text: "\(lack.what); \(lack.remedy)"))
      }
    }
    return .success(Enrolment.Rule(pair: pair.id, lines: lines.joined(separator: "\n")))
  }

  private static func rights(of pair: Pair, among facts: [NodeID: NodeFacts]) -> [Enrolment.RightsLines] {
    var found: [Enrolment.RightsLines] = []
    for node in pair.nodes where facts[node.id] != nil {
      let rights = Rights.needed(on: node)
      guard rights.mode == .limited else { continue }
      if let index = found.firstIndex(where: { $0.rights == rights }) {
        found[index].nodes.append(node.id)
      } else {
        found.append(Enrolment.RightsLines(nodes: [node.id], rights: rights))
      }
    }
    return found
  }

  private static func text(of path: String) throws(CommandFault) -> String {
    do throws(TextFile.Fault) {
      return String(decoding: try TextFile.read(path, limit: 16 << 20), as: UTF8.self)
    } catch {
      throw .badInput("\(path) cannot be read: \(error.reason)")
    }
  }
}

/// Asks the nodes of a pair for their keys and what they can do.
struct EnrolmentDesk: Sendable {
  let client: SSHClient
  let targets: NodeTargets
  let clock: any TimeSource
  let accepts: Bool
  let knownHosts: KnownHosts?
  let foresight: PairForesight
  /// The fleet with what the lists ask for.
  let wanted: FleetState

  /// What one pair's nodes showed, and what is to be recorded of it.
  struct Answer: Sendable {
    var events: [Event] = []
    var lines: [Enrolment.NodeLine] = []
    var facts: [NodeID: NodeFacts] = [:]
  }

  func enroll(_ pair: Pair, _ state: FleetState) async -> Answer {
    var answer = Answer()
    for node in pair.nodes {
      if let jump = node.ssh.jump {
        let id = NodeTargets.id(of: jump)
        if !answer.lines.contains(where: { $0.node == id }) {
          let (line, pinned) = await keys(
            pair.id, id, jump.address, jump.port, through: nil, known: state.nodes[id]?.hostKeys ?? [])
          if let pinned { answer.events.append(.hostKeysPinned(node: id, keys: pinned)) }
          answer.lines.append(line)
        }
      }
      var (line, pinned) = await keys(
        pair.id, node.id, node.address, node.ssh.port, through: node, known: state.nodes[node.id]?.hostKeys ?? [])
      if let pinned { answer.events.append(.hostKeysPinned(node: node.id, keys: pinned)) }
      if line.standing == .pinned { await look(at: node, of: pair, &line, &answer) }
      answer.lines.append(line)
    }
    return answer
  }

  private func keys(
    _ pair: PairID, _ id: NodeID, _ host: String, _ port: UInt16, through node: Node?, known: [String]
  ) async -> (line: Enrolment.NodeLine, pinned: [String]?) {
    var line = Enrolment.NodeLine(
      pair: pair, node: id, standing: .unreachable, fingerprints: [], facts: nil, missing: [], failure: nil,
      places: nil, rights: nil
    )
    do {
      let jump = try await node.flatMap { node in node.ssh.jump.map { ($0, node) } }.asyncMap {
        try await targets.jump($0.0, $0.1)
      }
      let shown = try await client.scanHostKeys(host: host, port: port, jump: jump)
      line.fingerprints = shown.map { "\($0.type) \($0.fingerprint)" }
      let comparison = HostKeyComparison.decide(
        shown: shown, pinned: known, file: knownHosts, host: host, port: port, accepts: accepts)
      switch comparison {
      case .pinned: line.standing = .pinned
      case .pin(let keys):
        line.standing = .pinned
        line.fingerprints = keys.map { "\($0.type) \($0.fingerprint)" }
        let pinned = keys.map(\.openSSH)
        await targets.pin(id, pinned)
        return (line, pinned)
      case .revoked(let key):
        line.standing = known.isEmpty ? .unknown : .changed
        line.failure = "the known_hosts file marks its key \(key.type) \(key.fingerprint) @revoked; nothing was pinned"
      case .unknown: line.standing = .unknown
      case .changed: line.standing = .changed
      }
    } catch let error as SSHError {
      line.failure = "\(error.description). \(error.remedy)"
    } catch {
      line.failure = "\(error)"
    }
    return (line, nil)
  }

  private func look(at node: Node, of pair: Pair, _ line: inout Enrolment.NodeLine, _ answer: inout Answer) async {
    let link = NodeLink(node: node, client: client, nodes: Gate(limit: 1)) { [targets] () async throws(Failure) in
      try await targets.target(of: node)
    }
    switch await link.facts(clock) {
    case .failure(let failure): line.failure = failure.detail
    case .success(let facts):
      answer.facts[node.id] = facts
      // Of a node that nobody reached nothing is known, also not whose login it is.
      line.rights = Rights.needed(on: node)
      let versions = [
        facts.release, facts.haproxy.map { "HAProxy \($0)" }, facts.stunnel.map { "stunnel \($0)" },
        facts.openssl.map { "OpenSSL \($0)" },
      ]
      line.facts = versions.compactMap(\.self).filter { !$0.isEmpty }.joined(separator: ", ")
      line.missing = Survey.missing(facts, on: node).map { "\($0.what); \($0.remedy)" }
      if let alarm = facts.alarm(on: node), alarm.kind == .nodeCannotRestart {
        line.missing.append("\(alarm.kind.title): \(alarm.detail)")
      }
      if let text = facts.journalText { answer.events.append(.nodeSurveyed(node: node.id, facts: text)) }
      line.places = await places(link, facts, pair)
    }
    await link.close()
  }
}

extension EnrolmentDesk {
  /// What lies in the way there, counted, with the remedy.
  private func places(_ link: NodeLink, _ facts: NodeFacts, _ pair: Pair) async -> String? {
    do throws(JournalError) {
      let certificates = PairDoctor.orderable(on: pair, wanted, at: clock.now)
      let answer = try await foresight.look(
        at: certificates, of: pair, on: [PairForesight.Place(link: link, facts: facts)])
      guard let words = answer.words, let remedy = answer.remedy else { return nil }
      return "\(words); \(remedy)"
    } catch {
      return "what lies there could not be compared: \(error)"
    }
  }
}

extension Optional {
  /// `map` for a body that waits.
  func asyncMap<Result>(_ body: (Wrapped) async throws -> Result) async rethrows -> Result? {
    guard let self else { return nil }
    return try await body(self)
  }
}
