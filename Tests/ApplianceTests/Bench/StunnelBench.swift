import Appliance
import Fleet
import Foundation
import Testing

/// A real stunnel on a port of 127.0.0.1 that the system chose, with SNI sections in an include directory.
final class StunnelBench {
  let node: TestNode
  let certificates: Certificates
  let port: UInt16
  var pidFile: String { "\(node.root)/run/stunnel.pid" }
  var log: String { "\(node.root)/stunnel.log" }
  var include: String { "\(node.root)/conf.d" }

  init(shell: [String]? = nil, hasLog: Bool = true, debug: String = "notice") throws {
    node = try TestNode(shell: shell)
    certificates = try Certificates()
    port = try FreePort.take()
    try node.write(try certificates.makePEM("first.test"), to: "\(node.root)/certs/first.pem")
    chmod("\(node.root)/certs/first.pem", 0o600)
    try FileManager.default.createDirectory(atPath: include, withIntermediateDirectories: true)
    try node.write(
      """
      pid = \(pidFile)
      output = \(log)
      syslog = no
      debug = \(debug)
      [tls]
      accept = 127.0.0.1:\(port)
      connect = 127.0.0.1:1
      cert = \(node.root)/certs/first.pem
      include = \(include)

      """, to: "\(node.root)/stunnel.conf")
    node.node.terminations = [
      .stunnel(
        StunnelTermination(
          certificates: "\(node.root)/certs", configuration: "\(node.root)/stunnel.conf", include: include,
          service: "tls", connect: "127.0.0.1:1", pidFile: pidFile, log: hasLog ? log : nil))
    ]
    let binary = try #require(Tool.stunnel.path, "stunnel is not installed")
    let finished = try Run.program(binary, ["\(node.root)/stunnel.conf"])
    try #require(finished.status == 0, "\(String(decoding: finished.stderr, as: UTF8.self))")
    try Run.until("stunnel listens") { node.exists(pidFile) }
  }

  deinit {
    if let data = FileManager.default.contents(atPath: pidFile),
      let pid = pid_t(String(decoding: data, as: UTF8.self).trimmingCharacters(in: .whitespacesAndNewlines))
    {
      kill(pid, SIGTERM)
    }
  }

  func adapt(_ change: (inout StunnelTermination) -> Void) {
    guard case .stunnel(var stunnel) = node.node.terminations[0] else { return }
    change(&stunnel)
    node.node.terminations[0] = .stunnel(stunnel)
  }

  /// How often it reloaded well.
  func reloads() throws -> Int { try node.read(log).components(separatedBy: "Configuration successful").count - 2 }

  func served(_ name: String) throws -> String {
    let openssl = try #require(Tool.openssl.path)
    let shown = try Run.program(
      openssl, ["s_client", "-connect", "127.0.0.1:\(port)", "-servername", name], stdin: Array("Q\n".utf8))
    try node.write(shown.text, to: "\(node.root)/served.pem")
    return try Certificates.sha256(file: "\(node.root)/served.pem")
  }

  func facts() async throws -> NodeFacts {
    let script = Survey.script(for: node.node, nonce: Nonce("survey"))
    return try Survey.read(
      try await node.run(script), of: script, for: node.node, sentAt: Date(), receivedAt: Date())
  }

  func step(_ work: RolloutWork, _ script: RemoteScript) async throws -> NodeAnswer {
    try work.read(try await node.run(script), of: script)
  }
}

enum FreePort {
  /// A port that nobody listens on now.
  static func take() throws -> UInt16 {
    let descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
    defer { close(descriptor) }
    var address = sockaddr_in()
    address.sin_family = sa_family_t(AF_INET)
    address.sin_addr.s_addr = inet_addr("127.0.0.1")
    var length = socklen_t(MemoryLayout<sockaddr_in>.size)
    let bound = withUnsafeMutablePointer(to: &address) {
      $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
        bind(descriptor, $0, length) == 0 && getsockname(descriptor, $0, &length) == 0
      }
    }
    try #require(bound, "no free port")
    return UInt16(bigEndian: address.sin_port)
  }
}
