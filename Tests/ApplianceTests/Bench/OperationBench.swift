import Appliance
import Fleet
import Foundation
import Glibc
import Testing

/// A node made of a case's files and programs.
final class OperationBench {
  let node: TestNode
  private let one: OperationCaseTests.Case
  private let certificates: Certificates
  private let vip = VIP(id: "v1", address: "192.0.2.10")

  init(_ one: OperationCaseTests.Case) throws {
    self.one = one
    node = try TestNode()
    certificates = try Certificates()
    let root = node.root
    for (name, text) in one.tools ?? [:] {
      try Run.install("\(text.replacing("ROOT", with: root))\n", at: "\(root)/bin/\(name)")
    }
    node.environment["PATH"] = "\(root)/bin:" + (node.environment["PATH"] ?? "")
    for (path, content) in one.files ?? [:] { try put(content, at: path) }
    if let stunnel = one.stunnel { node.node.terminations = [.stunnel(termination(stunnel))] }
    if let haproxy = one.haproxy { node.node.terminations = [.haproxy(termination(haproxy))] }
    if let detector = one.detector { node.node.active = try active(detector) }
  }

  private func put(_ content: String, at path: String) throws {
    let file = "\(node.root)/\(path)"
    try FileManager.default.createDirectory(
      atPath: URL(filePath: file).deletingLastPathComponent().path(), withIntermediateDirectories: true)
    let text =
      content.hasPrefix("PEM ")
      ? try certificates.makePEM(String(content.dropFirst(4))) : content.replacing("ROOT", with: node.root)
    try node.write(text, to: file)
  }

  private func place(_ keys: [String: String], _ key: String) -> String? {
    keys[key]?.replacing("ROOT", with: node.root)
  }

  private func termination(_ keys: [String: String]) -> StunnelTermination {
    StunnelTermination(
      certificates: place(keys, "certificates") ?? "\(node.root)/certs",
      configuration: place(keys, "config") ?? "\(node.root)/stunnel.conf", include: place(keys, "include"),
      service: keys["service"], connect: keys["connect"], pidFile: place(keys, "pid") ?? "\(node.root)/run/pid",
      log: place(keys, "log"), reload: place(keys, "reload") ?? "\(node.root)/bin/reload")
  }

  private func termination(_ keys: [String: String]) -> HAProxyTermination {
    HAProxyTermination(
      certificates: place(keys, "certificates") ?? "\(node.root)/certs", crtList: place(keys, "crt_list"),
      configuration: [place(keys, "config") ?? "\(node.root)/haproxy.cfg"], socket: place(keys, "socket"),
      reload: place(keys, "reload") ?? "\(node.root)/bin/reload", master: place(keys, "master"),
      binary: "\(node.root)/bin/haproxy")
  }

  private func active(_ detector: [String]) throws -> ActiveDetector {
    let argument = detector.dropFirst().first?.replacing("ROOT", with: node.root)
    switch detector[0] {
    case "address": return .address
    case "heartbeat": return .heartbeat
    case "keepalived": return .keepalived(instance: argument)
    case "carp": return .carp(vhid: try #require(argument.flatMap { Int($0) }))
    case "status_file": return .statusFile(try #require(argument))
    case "command": return .command(try #require(argument))
    default: return .always
    }
  }

  /// Does the steps; what the last one came to, in lines.
  func answer() async throws -> [String] {
    do {
      switch one.steps[0] {
      case "role": return try await role()
      case "survey": return try await survey()
      case "hosts": return try await hosts()
      case "key": return try await keys()
      case "seal": return try await seal()
      default: return try await rollout()
      }
    } catch let failure as Failure {
      return ["\(failure.kind.rawValue): \(failure.detail)"]
    }
  }

  private func role() async throws -> [String] {
    let script = RoleQuery.script(for: node.node, vips: [vip], nonce: Nonce("r"))
    switch try RoleQuery.read(try await node.run(script), of: script, vips: [vip])[vip.id] {
    case .active?: return ["active"]
    case .passive?: return ["passive"]
    case .unknown(let text)?: return ["unknown: \(text)"]
    case nil: return []
    }
  }

  private func survey() async throws -> [String] {
    let script = Survey.script(for: node.node, nonce: Nonce("s"))
    let facts = try Survey.read(
      try await node.run(script), of: script, for: node.node, sentAt: Date(), receivedAt: Date())
    var lines = ["openssl \(facts.openssl?.text ?? "none")"]
    lines += facts.haproxy.map { ["haproxy \($0), hot update: \(facts.hotUpdate.rawValue)"] } ?? []
    lines += facts.stunnel.map { ["stunnel \($0)"] } ?? []
    return lines + Survey.missing(facts, on: node.node).map { "\($0.isFatal ? "fatal" : "lack"): \($0.what)" }
  }

  private func hosts() async throws -> [String] {
    let script = HostsFile.script(
      one.labels ?? [], path: "\(node.root)/hosts", on: node.node, nonce: Nonce("h"))
    let answer = try HostsFile.read(try await node.run(script), of: script)
    return ["\(answer.names) names", answer.added.map { "told \($0)" } ?? "untold: \(answer.reason ?? "")"]
  }

  private func keys() async throws -> [String] {
    let orders = try (one.labels ?? ["a.test"]).map { name in
      KeyOrder(
        attempt: AttemptID(name), names: try #require(NameSet([name])),
        key: KeyType(rawValue: one.key ?? "p256") ?? .ecdsaP256,
        reuse: one.expected.map { AttemptID($0) })
    }
    let script = KeyWork.make(orders, on: node.node, nonce: Nonce("k"))
    let requests = try KeyWork.readRequests(try await node.run(script), of: script, orders: orders)
    return try orders.map { order in
      switch try #require(requests[order.attempt]) {
      case .success(let pem): "\(order.attempt): " + (try Run.openssl("req", "-noout", "-text", stdin: pem).flat)
      case .failure(let failure): "\(order.attempt): \(failure.kind.rawValue): \(failure.detail)"
      }
    }
  }

  private func seal() async throws -> [String] {
    let files = try await batch()
    let receive = KeyWork.recipient("r1", on: node.node, nonce: Nonce("r"))
    let recipient = try KeyWork.readRecipient(try await node.run(receive), of: receive)
    try change()
    let keys = files.map { (attempt: $0.attempt, publicKeySHA256: $0.publicKeySHA256) }
    let script = KeyWork.seal(keys, to: recipient, rollout: "r1", on: node.node, nonce: Nonce("c"))
    let sealed = try KeyWork.readSealed(try await node.run(script), of: script, keys: keys.map(\.attempt))
    return try files.map { file in
      switch try #require(sealed[file.attempt]) {
      case .success(let pem): "\(file.label): \(pem.prefix(19))"
      case .failure(let failure): "\(file.label): \(failure.kind.rawValue): \(failure.detail)"
      }
    }
  }

  private func batch() async throws -> [BatchFile] {
    let path = node.environment["PATH"]
    node.environment["PATH"] = "/usr/bin:/bin"
    defer { node.environment["PATH"] = path }
    return try await makeBatch(
      one.labels ?? ["first"], on: node, certificates, expected: one.expected == "none" ? .leaves([]) : .anything)
  }

  private func change() throws {
    for (path, content) in one.change ?? [:] {
      if let content {
        try put(content, at: path)
      } else {
        try FileManager.default.removeItem(atPath: "\(node.root)/\(path)")
      }
    }
  }

  private func rollout() async throws -> [String] {
    let files = try await batch()
    let facts = NodeFacts(
      haproxy: one.version.flatMap { SoftwareVersion(in: $0) }, socketClient: .socat, surveyedAt: Date())
    let work = RolloutWork(node: node.node, facts: facts, rollout: "r1", files: files)
    var lines: [String] = []
    for (index, step) in one.steps.enumerated() {
      if index == one.steps.count - 1 { try change() }
      lines = try await outcome(of: step, work, files)
    }
    return lines
  }

  private func outcome(of step: String, _ work: RolloutWork, _ files: [BatchFile]) async throws -> [String] {
    let script: RemoteScript
    switch step {
    case "stage": script = work.stage(nonce: Nonce("s"))
    case "activate": script = work.activate(nonce: Nonce("a"))
    case "rollBack": script = work.rollBack(nonce: Nonce("b"))
    case "verify":
      let script = work.verify(nonce: Nonce("v"))
      return try work.readEvidence(try await node.run(script), of: script).map { piece in
        "disk \(piece.disk.standing.rawValue), memory \(piece.memory?.standing.rawValue ?? "unknown")"
      }
    default:
      let script = work.cleanUp(succeeded: step == "cleanUp", nonce: Nonce("c"))
      return ["clean"] + (try work.readCleanUp(try await node.run(script), of: script))
    }
    let answer = try work.read(try await node.run(script), of: script)
    let items = files.map { file in
      switch answer.certificates[file.spec] {
      case .done(let how)?: "\(file.label): \(how.rawValue)"
      case .refused(let failure)?: "\(file.label): \(failure.kind.rawValue): \(failure.detail)"
      case .stuck(let failure)?: "\(file.label): stuck: \(failure.kind.rawValue): \(failure.detail)"
      case nil: "\(file.label): nothing"
      }
    }
    return items + answer.alarms.map { "alarm \($0.kind.rawValue): \($0.detail)" }
      + answer.reloads.filter { $0.count > 0 }.map { "reloads \($0.count) \($0.reason)" }
  }
}

extension String {
  /// In one line.
  fileprivate var flat: String { split(whereSeparator: \.isWhitespace).joined(separator: " ") }
}
