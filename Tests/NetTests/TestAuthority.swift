import Foundation
import Glibc

/// A root, an intermediate and three leaves, made by openssl once a test run, gone with it.
struct TestAuthority: Sendable {
  struct Leaf: Sendable {
    /// The leaf and the intermediate.
    var chain: String
    var key: String
  }

  /// What a client has to trust.
  let rootPath: String
  /// For `eins.example` and 127.0.0.1.
  let first: Leaf
  /// For `zwei.example`.
  let second: Leaf

  private static let home = FileManager.default.temporaryDirectory.appending(path: "net-tests-\(UUID().uuidString)")
  private static let only = Task { try await TestAuthority() }

  static func shared() async throws -> TestAuthority { try await only.value }

  private init() async throws {
    try FileManager.default.createDirectory(at: Self.home, withIntermediateDirectories: true)
    atexit { unlinkAll(TestAuthority.home) }
    let authority = "basicConstraints=critical,CA:TRUE"
    try await Self.make("root", by: nil, extensions: authority)
    try await Self.make("middle", by: "root", extensions: authority)
    try await Self.make("first", by: "middle", extensions: "subjectAltName=DNS:eins.example,IP:127.0.0.1")
    try await Self.make("second", by: "middle", extensions: "subjectAltName=DNS:zwei.example")
    rootPath = Self.path("root.pem")
    first = try Self.leaf("first")
    second = try Self.leaf("second")
  }

  /// The PEM blocks of a file.
  static func blocks(_ file: String) throws -> [String] {
    try String(contentsOfFile: file, encoding: .utf8).components(separatedBy: "-----END CERTIFICATE-----\n")
      .filter { $0.contains("BEGIN") }.map { $0 + "-----END CERTIFICATE-----" }
  }

  private static func path(_ file: String) -> String { home.appending(path: file).path(percentEncoded: false) }

  private static func leaf(_ name: String) throws -> Leaf {
    let chain = try ["\(name).pem", "middle.pem"].map { try String(contentsOfFile: path($0), encoding: .utf8) }.joined()
    try chain.write(toFile: path("\(name).chain"), atomically: true, encoding: .utf8)
    return Leaf(chain: path("\(name).chain"), key: path("\(name).key"))
  }

  private static func make(_ name: String, by issuer: String?, extensions: String) async throws {
    try await run(
      "/usr/bin/openssl",
      [
        "req", "-new", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-subj", "/CN=Test \(name)",
        "-keyout", path("\(name).key"), "-out", path("\(name).csr"),
      ])
    try extensions.write(toFile: path("\(name).ext"), atomically: true, encoding: .utf8)
    let signer =
      issuer.map { ["-CA", path("\($0).pem"), "-CAkey", path("\($0).key"), "-CAcreateserial"] }
      ?? ["-signkey", path("\(name).key")]
    try await run(
      "/usr/bin/openssl",
      [
        "x509", "-req", "-in", path("\(name).csr"), "-out", path("\(name).pem"), "-days", "10", "-extfile",
        path("\(name).ext"),
      ] + signer)
  }
}

/// A folder of one test, gone with it.
final class TestFolder: Sendable {
  let url = FileManager.default.temporaryDirectory.appending(path: "net-tests-\(UUID().uuidString) ü")
  var path: String { url.path(percentEncoded: false) }

  init() throws { try FileManager.default.createDirectory(at: url, withIntermediateDirectories: true) }

  deinit { unlinkAll(url) }
}

private func unlinkAll(_ folder: URL) {
  do { try FileManager.default.removeItem(at: folder) } catch { print("left behind: \(folder.path())") }
}
