import Foundation

/// A root, an intermediate and leaves, made by openssl for one test, gone with it.
final class TestAuthority {
  let folder: URL
  /// What a client has to trust.
  var rootPath: String { folder.appending(path: "root.pem").path(percentEncoded: false) }

  init() throws {
    folder = FileManager.default.temporaryDirectory.appending(path: "net-tests-\(UUID().uuidString)")
    try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
    try request("root", subject: "Test Root")
    try sign("root", by: nil, extensions: "basicConstraints=critical,CA:TRUE")
    try request("middle", subject: "Test Intermediate")
    try sign("middle", by: "root", extensions: "basicConstraints=critical,CA:TRUE")
  }

  deinit {
    do { try FileManager.default.removeItem(at: folder) } catch {
      print("left behind: \(folder.path(percentEncoded: false))")
    }
  }

  /// A leaf for these names: the paths of its chain (leaf, intermediate) and of its key.
  func leaf(_ names: [String], days: Int = 10) throws -> (chain: String, key: String) {
    let file = names.joined(separator: "+")
    try request(file, subject: names[0])
    let all = names.map { $0.first?.isNumber == true ? "IP:\($0)" : "DNS:\($0)" }.joined(separator: ",")
    try sign(file, by: "middle", extensions: "subjectAltName=\(all)", days: days)
    let chain = try ["\(file).pem", "middle.pem"].map { try String(contentsOf: path($0), encoding: .utf8) }.joined()
    try chain.write(to: path("\(file).chain"), atomically: true, encoding: .utf8)
    return (path("\(file).chain").path(percentEncoded: false), path("\(file).key").path(percentEncoded: false))
  }

  /// The PEM blocks of a file.
  func blocks(_ file: String) throws -> [String] {
    try String(contentsOfFile: file, encoding: .utf8).components(separatedBy: "-----END CERTIFICATE-----\n")
      .filter { $0.contains("BEGIN") }.map { $0 + "-----END CERTIFICATE-----\n" }
  }

  private func path(_ file: String) -> URL { folder.appending(path: file) }

  private func request(_ name: String, subject: String) throws {
    try run(
      "/usr/bin/openssl",
      [
        "req", "-new", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-subj", "/CN=\(subject)",
        "-keyout", path("\(name).key").path(percentEncoded: false), "-out",
        path("\(name).csr").path(percentEncoded: false),
      ])
  }

  private func sign(_ name: String, by issuer: String?, extensions: String, days: Int = 10) throws {
    let file = path("\(name).ext")
    try extensions.write(to: file, atomically: true, encoding: .utf8)
    let signer =
      issuer.map {
        [
          "-CA", path("\($0).pem").path(percentEncoded: false), "-CAkey", path("\($0).key").path(percentEncoded: false),
          "-CAcreateserial",
        ]
      }
      ?? ["-signkey", path("\(name).key").path(percentEncoded: false)]
    try run(
      "/usr/bin/openssl",
      [
        "x509", "-req", "-in", path("\(name).csr").path(percentEncoded: false), "-out",
        path("\(name).pem").path(percentEncoded: false), "-days", "\(days)",
        "-extfile", file.path(percentEncoded: false),
      ] + signer)
  }
}
