import Appliance
import Fleet
import Foundation
import Journal
import SSH

/// Looks at the nodes of a pair: the way there, what they can do, who is active, and whether the challenge has a way through.
struct PairDoctor: Sendable {
  let client: SSHClient
  let targets: NodeTargets
  let clock: any TimeSource
  /// Who worked on the nodes last: the file of names is written only where this controller may.
  let marks: MarkKeeper
  let foresight: PairForesight

  /// What was found.
  struct Answer: Sendable {
    var rows: [DoctorReport.Row]
    /// Whether the nodes were told of all the pair's names, so that a wrong answer is one.
    var mayAnswer: Bool
    /// What a rollout would refuse, by certificate.
    var findings: [Finding] = []
  }

  func look(at pair: Pair, _ state: FleetState) async -> Answer {
    var rows: [DoctorReport.Row] = []
    var reached: [NodeLink] = []
    var places: [PairForesight.Place] = []
    let links = pair.nodes.map { node in
      NodeLink(node: node, client: client, nodes: Gate(limit: 2), marks: marks) { [targets] () async throws(Failure) in
        try await targets.target(of: node)
      }
    }
    var roles: [(node: NodeID, role: Result<[VIPID: Role], Failure>)] = []
    for link in links {
      let (found, facts) = await node(link, pair)
      rows += found
      if let facts {
        reached.append(link)
        places.append(PairForesight.Place(link: link, facts: facts))
      }
      let role = await link.roles(of: pair.vips)
      roles.append((link.node.id, role))
    }
    rows += pair.vips.map { Self.active($0, pair, roles) }
    if let hold = state.hold(on: pair.id, at: clock.now) {
      rows.append(
        .init(
          .note, "paused", of: pair.id.rawValue, pair: pair.id,
          "an operator said pause, \(hold.text); nothing was written there",
          remedy: "certfleet resume \(pair.id)"))
      for link in links { await link.close() }
      return Answer(rows: rows, mayAnswer: false)
    }
    let names = state.certificates.values.filter { $0.spec.pair == pair.id }.flatMap(\.spec.names.names)
    let refusal = await HostsRule(links: reached, names: Set(names)).allow(names)
    if let refusal { rows.append(.init(refusal, "challenge route", of: pair.id.rawValue, pair: pair.id)) }
    let wanted = Self.orderable(on: pair, state, at: clock.now)
    var findings: [Finding] = []
    do throws(JournalError) {
      let answer = try await foresight.look(at: wanted, of: pair, on: places)
      if let row = DoctorReport.Row.files(answer, of: pair.id, looked: wanted.count) { rows.append(row) }
      if let words = answer.besideWords {
        rows.append(
          .init(.note, "places", of: pair.id.rawValue, pair: pair.id, words, remedy: PairForesight.Answer.besideRemedy))
      }
      findings = answer.findings(of: wanted, at: clock.now)
    } catch {
      rows.append(.init(.unknown, "places", of: pair.id.rawValue, pair: pair.id, error.description))
    }
    for link in links { await link.close() }
    return Answer(rows: rows, mayAnswer: refusal == nil && reached.count == links.count, findings: findings)
  }

  /// The certificates of a pair for which something is to be ordered, now or when a failure's pause is over.
  static func orderable(on pair: Pair, _ state: FleetState, at now: Date) -> [CertificateState] {
    state.certificates.values.filter { certificate in
      guard certificate.spec.pair == pair.id else { return false }
      let action = Planner.decide(certificate, pair: pair, isPaused: false, at: now).0
      return action == .issue || action == .renew || action == .blocked
    }.sorted { $0.spec.id < $1.spec.id }
  }

  // MARK: One node

  private func fence(_ facts: NodeFacts, _ node: Node) async -> Failure? {
    do throws(JournalError) {
      return try await marks.judge(facts.marks ?? [], on: node.id)
    } catch {
      return Failure(.internalError, error.description, node: node.id)
    }
  }

  private func node(_ link: NodeLink, _ pair: Pair) async -> (rows: [DoctorReport.Row], facts: NodeFacts?) {
    let node = link.node
    let subject = node.id.rawValue
    switch await link.facts(clock) {
    case .failure(let failure):
      return ([.init(failure, Self.phase(of: failure, node), of: subject, pair: pair.id)], nil)
    case .success(let facts):
      let place = "\(node.address):\(node.ssh.port)"
      var rows: [DoctorReport.Row] = [.init(.good, "SSH", of: subject, pair: pair.id, "\(place), host key pinned")]
      if let failure = await fence(facts, node) {
        return (rows + [.init(failure, "who works here", of: subject, pair: pair.id)], nil)
      }
      if node.ssh.sudo {
        rows.append(.init(.good, "sudo", of: subject, pair: pair.id, "scripts run as \(facts.login)"))
      }
      let lacks = Survey.missing(facts, on: node).filter { !$0.what.contains("clock") }
      rows += lacks.map { lack in
        .init(
          lack.isFatal ? .bad : .note, "software", of: subject, pair: pair.id, lack.what,
          remedy: Wording.sentence(lack.remedy) + ".")
      }
      if lacks.isEmpty {
        let versions = [
          facts.haproxy.map { "HAProxy \($0)" }, facts.stunnel.map { "stunnel \($0)" },
          facts.openssl.map { "OpenSSL \($0)" },
        ]
        rows.append(
          .init(.good, "software", of: subject, pair: pair.id, versions.compactMap(\.self).joined(separator: ", ")))
      }
      if let skew = facts.clockSkew {
        rows.append(Workplace.clockRow(Double(skew), of: subject, pair: pair.id, against: "the controller's"))
      }
      if let row = await tunnel(link, pair) { rows.append(row) }
      return (rows, facts)
    }
  }

  /// Which part of the way to a script's answer failed.
  private static func phase(of failure: Failure, _ node: Node) -> String {
    switch failure.kind {
    case .nodeUnreachable, .hostKeyUnknown, .hostKeyChanged, .loginRefused, .noCommonAlgorithm: "SSH"
    default: node.ssh.sudo ? "sudo" : "shell"
    }
  }

  /// Whether the port that HAProxy's backend leads to is free for our tunnel, and would not be open to strangers.
  private func tunnel(_ link: NodeLink, _ pair: Pair) async -> DoctorReport.Row? {
    guard case .tunnel(let port) = link.node.challenge else { return nil }
    let subject = link.node.id.rawValue
    do throws(Failure) {
      let script = TunnelCheck.script(port: port, on: link.node, nonce: .fresh())
      switch try TunnelCheck.read(try await link.run(script), of: script) {
      case .absent:
        return .init(.good, "challenge route", of: subject, pair: pair.id, "port \(port) is free for the tunnel")
      case .loopback:
        return .init(
          .note, "challenge route", of: subject, pair: pair.id,
          "port \(port) of loopback is taken: by a run that is going on, or by a stranger",
          remedy: "If no run is going on, find out who listens there, and give it another port.")
      case .exposed(let addresses):
        return .init(
          .bad, "challenge route", of: subject, pair: pair.id,
          "port \(port) is open to others: \(addresses.joined(separator: ", "))",
          remedy: "Set GatewayPorts no in sshd_config, or free the port.")
      }
    } catch {
      return .init(error, "challenge route", of: subject, pair: pair.id)
    }
  }

  // MARK: Who is active

  private static func active(
    _ vip: VIP, _ pair: Pair, _ roles: [(node: NodeID, role: Result<[VIPID: Role], Failure>)]
  ) -> DoctorReport.Row {
    let answers = roles.map { answer in
      (node: answer.node, role: answer.role.map { $0[vip.id] ?? .unknown("no answer") })
    }
    let verdict = ActiveVerdict.decide(vip: vip.id, answers: answers)
    if let failure = verdict.failure {
      return .init(failure, "active node", of: vip.id.rawValue, pair: pair.id)
    }
    guard case .active(let node, let peer) = verdict else {
      return .init(.unknown, "active node", of: vip.id.rawValue, pair: pair.id, "nobody said")
    }
    let words =
      switch peer {
      case .passive: "\(node) is active, its peer passive"
      case .unreachable: "\(node) is active, its peer cannot be asked"
      case .absent: "\(node), which is alone"
      }
    return .init(.good, "active node", of: vip.id.rawValue, pair: pair.id, words)
  }
}
