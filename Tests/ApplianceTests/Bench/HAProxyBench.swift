import Appliance
import Fleet
import Foundation
import Testing

/// A real HAProxy on Unix sockets, with its certificates in a directory or a crt-list.
final class HAProxyBench {
  let node: TestNode
  let certificates: Certificates
  var socket: String { "\(node.root)/run/stat" }
  var front: String { "\(node.root)/run/front" }
  var pidFile: String { "\(node.root)/run/pid" }
  var configuration: String { "\(node.root)/haproxy.cfg" }
  var list: String { "\(node.root)/list" }
  var master: String { "\(node.root)/run/master" }
  private let hasMaster: Bool

  /// What certificates are named by.
  enum Naming { case directory, crtList }

  init(
    _ naming: Naming = .directory, shell: [String]? = nil, level: String = "admin", hasMaster: Bool = false
  ) throws {
    self.hasMaster = hasMaster
    node = try TestNode(shell: shell)
    certificates = try Certificates()
    try node.write(try certificates.makePEM("first.test"), to: "\(node.root)/certs/first.pem")
    try node.write("\(node.root)/certs/first.pem\n", to: list)
    let bind = naming == .directory ? "crt \(node.root)/certs" : "crt-list \(list)"
    try node.write(
      """
      global
        stats socket \(socket) mode 600 level \(level)
      defaults
        mode http
        timeout client 5s
        timeout server 5s
        timeout connect 5s
      frontend f
        bind unix@\(front) ssl \(bind)
        http-request return status 200

      """, to: configuration)
    let binary = try #require(Tool.haproxy.path, "haproxy is not installed")
    node.node.terminations = [
      .haproxy(
        HAProxyTermination(
          certificates: "\(node.root)/certs", crtList: naming == .crtList ? list : nil,
          configuration: [configuration], socket: socket,
          reload: "echo r >>\(node.root)/reloads; "
            + "\(binary) -D -f \(configuration) -p \(pidFile) -sf $(cat \(pidFile))",
          binary: binary))
    ]
    try start()
  }

  func start() throws {
    let binary = try #require(Tool.haproxy.path)
    let mode = hasMaster ? ["-W", "-S", master] : []
    let finished = try Run.program(binary, mode + ["-D", "-f", configuration, "-p", pidFile])
    try #require(finished.status == 0, "\(String(decoding: finished.stderr, as: UTF8.self))")
  }

  deinit {
    // -sf leaves old workers that end by themselves once idle
    if let text = contents(pidFile), let pid = pid_t(text.trimmingCharacters(in: .whitespacesAndNewlines)) {
      kill(pid, SIGKILL)
    }
  }

  private func contents(_ path: String) -> String? {
    FileManager.default.contents(atPath: path).map { String(decoding: $0, as: UTF8.self) }
  }

  /// Kills it and starts it anew from what lies on the disk.
  func restart() throws {
    let text = try node.read(pidFile)
    let pid = try #require(pid_t(text.trimmingCharacters(in: .whitespacesAndNewlines)))
    kill(pid, SIGKILL)
    try Run.until("HAProxy is gone") { kill(pid, 0) != 0 }
    try start()
  }

  /// One more certificate, as if it had always been there.
  func addCertificate(_ label: String) throws {
    try node.write(try certificates.makePEM("\(label).test"), to: "\(node.root)/certs/\(label).pem")
    try restart()
  }

  /// Changes the only termination.
  func adapt(_ change: (inout HAProxyTermination) -> Void) {
    guard case .haproxy(var haproxy) = node.node.terminations[0] else { return }
    change(&haproxy)
    node.node.terminations[0] = .haproxy(haproxy)
  }

  /// How often it was reloaded.
  var reloads: Int { contents("\(node.root)/reloads")?.split(separator: "\n").count ?? 0 }

  /// Speaks to the stats socket, past our scripts.
  @discardableResult
  func cli(_ command: String) throws -> String {
    let socat = try #require(Tool.socat.path, "socat is not installed")
    return try Run.program(socat, ["-t5", "-", "UNIX-CONNECT:\(socket)"], stdin: Array((command + "\n").utf8)).text
  }

  /// The SHA-256 of the leaf that a TLS handshake with SNI shows.
  func served(_ name: String) throws -> String {
    let openssl = try #require(Tool.openssl.path)
    let shown = try Run.program(openssl, ["s_client", "-unix", front, "-servername", name], stdin: Array("Q\n".utf8))
    let path = "\(node.root)/served.pem"
    try node.write(shown.text, to: path)
    return try Certificates.sha256(file: path)
  }

  func facts() async throws -> NodeFacts {
    let script = Survey.script(for: node.node, nonce: Nonce("survey"))
    let result = try await node.run(script)
    return try Survey.read(result, of: script, for: node.node, sentAt: Date(), receivedAt: Date())
  }

  /// Makes keys on the node and signs their requests.
  func batch(
    _ labels: [String], round: Int = 1, expected: BatchFile.Expected = .leaves([])
  ) async throws -> [BatchFile] {
    try await makeBatch(labels, round: round, on: node, certificates, expected: expected)
  }

  func work(
    _ files: [BatchFile], facts: NodeFacts, rollout: RolloutID = "r1", roles: RolloutWork.ExpectedRoles? = nil
  ) -> RolloutWork {
    RolloutWork(node: node.node, facts: facts, rollout: rollout, files: files, roles: roles)
  }

  func step(_ work: RolloutWork, _ script: RemoteScript) async throws -> NodeAnswer {
    try work.read(try await node.run(script), of: script)
  }
}

/// Makes keys on a node and signs their requests; every label is `LABEL.test`.
func makeBatch(
  _ labels: [String], round: Int = 1, on node: TestNode, _ certificates: Certificates,
  expected: BatchFile.Expected = .leaves([])
) async throws -> [BatchFile] {
  let orders = try labels.map { label in
    KeyOrder(
      attempt: AttemptID("\(label)-\(round)"), names: try #require(NameSet(["\(label).test"])), key: .ecdsaP256)
  }
  let script = KeyWork.make(orders, on: node.node, nonce: Nonce("keys"))
  let requests = try KeyWork.readRequests(try await node.run(script), of: script, orders: orders)
  return try zip(labels, orders).map { label, order in
    try certificates.file(
      label, names: order.names, attempt: order.attempt, request: try #require(try requests[order.attempt]?.get()),
      expected: expected)
  }
}
