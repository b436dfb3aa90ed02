import Appliance
public import Fleet
import Foundation
import SSH
import Testing

/// A node on this machine: its own home and directories, and the shell that runs our scripts.
final class TestNode: NodeSession, @unchecked Sendable {  // read-only after init; tests use one from one task
  let root: String
  let shell: [String]
  var node: Node
  var environment: [String: String]

  /// Makes the directories. `shell` is what reads `-s`.
  init(shell: [String]? = nil, name: String = "n1") throws {
    root = "/tmp/cf-\(UUID().uuidString.prefix(8))"
    self.shell = try shell ?? [#require(Tool.dash.path)]
    for directory in ["home", "certs", "run"] {
      try FileManager.default.createDirectory(atPath: "\(root)/\(directory)", withIntermediateDirectories: true)
    }
    node = Node(
      id: NodeID(name), address: "127.0.0.1", ssh: SSHSettings(user: "root"), work: "~/.certfleet", active: .always,
      challenge: .usualThumbprint, terminations: [])
    environment = ["HOME": "\(root)/home", "PATH": "/usr/local/bin:/usr/bin:/bin:/usr/sbin:/sbin"]
  }

  deinit {
    do { try FileManager.default.removeItem(atPath: root) } catch { Issue.record(error) }
  }

  func run(_ script: RemoteScript) async throws(Failure) -> CommandResult { try perform(script.stdin) }

  /// Runs the bytes of a script, whole or cut.
  func perform(_ stdin: [UInt8], during: ((Int32) -> Void)? = nil) throws(Failure) -> CommandResult {
    do {
      let finished = try Run.program(
        shell[0], Array(shell.dropFirst()) + ["-s"], stdin: stdin, environment: environment, during: during)
      return CommandResult(status: finished.status, stdout: finished.stdout, stderr: finished.stderr)
    } catch {
      throw Failure(.internalError, "\(error)")
    }
  }

  func read(_ path: String) throws -> String {
    String(decoding: try Data(contentsOf: URL(filePath: path)), as: UTF8.self)
  }

  func write(_ text: String, to path: String) throws { try Data(text.utf8).write(to: URL(filePath: path)) }

  func exists(_ path: String) -> Bool { FileManager.default.fileExists(atPath: path) }

  /// A directory with a `date` whose seconds fly: every call is five later. For waits that last a minute.
  func hurriedClock() throws -> String {
    let bin = "\(root)/bin"
    try Run.install(
      """
      n=$(cat \(bin)/n 2>/dev/null || echo 1000); echo $((n+5)) >\(bin)/n; echo $n

      """, at: "\(bin)/date")
    return bin
  }

  /// A directory with a `sleep` that does not: for waits that are counted.
  func sleepless() throws -> String {
    let bin = "\(root)/sleepless"
    try Run.install("", at: "\(bin)/sleep")
    return bin
  }

  /// SHA-256 of a PEM's first certificate.
  func leaf(_ path: String) throws -> String { try Certificates.sha256(file: path) }
}

/// A small authority, made at test time.
final class Certificates {
  let root: String

  init() throws {
    root = "/tmp/cf-ca-\(UUID().uuidString.prefix(8))"
    try FileManager.default.createDirectory(atPath: root, withIntermediateDirectories: true)
    try Run.openssl("ecparam", "-name", "prime256v1", "-genkey", "-noout", "-out", "\(root)/ca.key")
    try Run.openssl(
      "req", "-x509", "-new", "-key", "\(root)/ca.key", "-subj", "/CN=test authority", "-days", "30", "-out",
      "\(root)/ca.pem")
  }

  deinit {
    do { try FileManager.default.removeItem(atPath: root) } catch { Issue.record(error) }
  }

  /// Signs a request, SANs and all; the chain is leaf + authority.
  func sign(_ request: String) throws -> String {
    try Data(request.utf8).write(to: URL(filePath: "\(root)/request.pem"))
    let leaf = try Run.openssl(
      "x509", "-req", "-in", "\(root)/request.pem", "-CA", "\(root)/ca.pem", "-CAkey", "\(root)/ca.key",
      "-CAcreateserial",
      "-copy_extensions", "copy", "-days", "10")
    return leaf + (try Run.openssl("x509", "-in", "\(root)/ca.pem"))
  }

  /// The same with a validity that is over.
  func signExpired(_ request: String) throws -> String {
    for (name, text) in [
      ("index.txt", ""), ("serial", "01\n"), ("request.pem", request),
      (
        "ca.cnf",
        """
        [ca]
        default_ca = x
        [x]
        database = \(root)/index.txt
        serial = \(root)/serial
        new_certs_dir = \(root)
        certificate = \(root)/ca.pem
        private_key = \(root)/ca.key
        default_md = sha256
        policy = p
        [p]
        commonName = supplied

        """
      ),
    ] {
      try Data(text.utf8).write(to: URL(filePath: "\(root)/\(name)"))
    }
    return try Run.openssl(
      "ca", "-batch", "-notext", "-config", "\(root)/ca.cnf", "-in", "\(root)/request.pem", "-startdate",
      "20190101000000Z", "-enddate", "20200101000000Z")
  }

  /// A PEM file as an operator would have put it: leaf, authority, key.
  func makePEM(_ name: String) throws -> String {
    let key = "\(root)/\(UUID().uuidString).key"
    try Run.openssl("ecparam", "-name", "prime256v1", "-genkey", "-noout", "-out", key)
    let request = try Run.openssl(
      "req", "-new", "-key", key, "-subj", "/CN=\(name)", "-addext", "subjectAltName=DNS:\(name)")
    return try sign(request) + String(decoding: try Data(contentsOf: URL(filePath: key)), as: UTF8.self)
  }

  static func sha1(file: String) throws -> String {
    let text = try Run.openssl("x509", "-in", file, "-noout", "-fingerprint", "-sha1")
    return String(text.trimmingCharacters(in: .whitespacesAndNewlines).split(separator: "=")[1]).replacing(
      ":", with: "")
  }

  static func sha256(file: String) throws -> String {
    let text = try Run.openssl("x509", "-in", file, "-noout", "-fingerprint", "-sha256")
    return String(text.trimmingCharacters(in: .whitespacesAndNewlines).split(separator: "=")[1])
      .replacing(":", with: "").lowercased()
  }

  /// Everything the controller knows of a certificate.
  func file(
    _ label: String, names: NameSet, attempt: AttemptID, request: String, sealedKey: String? = nil,
    expected: BatchFile.Expected = .leaves([]), vip: VIPID = "v1"
  ) throws -> BatchFile {
    let chain = try sign(request)
    let path = "\(root)/\(attempt).pem"
    try Data(chain.utf8).write(to: URL(filePath: path))
    let serial = try Run.openssl("x509", "-in", path, "-noout", "-serial")
      .trimmingCharacters(in: .whitespacesAndNewlines).replacing("serial=", with: "")
    let publicPEM = try Run.openssl("x509", "-in", path, "-noout", "-pubkey")
    try Data(publicPEM.utf8).write(to: URL(filePath: path + ".pub"))
    try Run.openssl("pkey", "-pubin", "-in", path + ".pub", "-outform", "DER", "-out", path + ".der")
    let digest = try Run.openssl("dgst", "-sha256", path + ".der")
    return BatchFile(
      spec: SpecID("p1/\(label)"), attempt: attempt, vip: vip, label: label, names: names, chain: chain,
      sha256: try Self.sha256(file: path), serial: serial, sha1: try Self.sha1(file: path),
      publicKeySHA256: String(digest.split(separator: " ").last ?? "").trimmingCharacters(in: .whitespacesAndNewlines),
      sealedKey: sealedKey, expected: expected)
  }
}

extension ID: ExpressibleByUnicodeScalarLiteral {}
extension ID: ExpressibleByExtendedGraphemeClusterLiteral {}
extension ID: ExpressibleByStringLiteral {
  /// For tests only.
  public init(stringLiteral value: String) { self.init(value) }
}
