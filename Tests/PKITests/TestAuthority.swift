import Foundation

/// A root, an intermediate and leaves, made by `openssl` for one test.
struct TestAuthority {
  let scratch: Scratch
  let rootPEM: String
  let intermediatePEM: String
  let leafKeyPEM: String
  var rootFile: String { scratch.path + "/root.pem" }

  init() throws {
    scratch = try Scratch()
    let path = scratch.path
    for name in ["root", "intermediate", "leaf"] {
      try OpenSSLTool.run(
        "genpkey", "-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:P-256", "-out", "\(path)/\(name).key")
    }
    try OpenSSLTool.run(
      "req", "-x509", "-new", "-key", "\(path)/root.key", "-subj", "/CN=Test Root", "-days", "100",
      "-addext", "keyUsage=critical,keyCertSign", "-out", "\(path)/root.pem")
    try OpenSSLTool.run(
      "req", "-new", "-key", "\(path)/intermediate.key", "-subj", "/CN=Test Intermediate", "-out", "\(path)/i.csr")
    let extensions = try scratch.write(
      "i.ext", "basicConstraints=critical,CA:TRUE,pathlen:0\nkeyUsage=critical,keyCertSign\n")
    intermediatePEM = try OpenSSLTool.run(
      "x509", "-req", "-in", "\(path)/i.csr", "-CA", "\(path)/root.pem", "-CAkey", "\(path)/root.key",
      "-CAcreateserial", "-days", "50", "-extfile", extensions)
    try intermediatePEM.write(toFile: "\(path)/intermediate.pem", atomically: true, encoding: .utf8)
    rootPEM = try String(contentsOfFile: "\(path)/root.pem", encoding: .utf8)
    leafKeyPEM = try String(contentsOfFile: "\(path)/leaf.key", encoding: .utf8)
  }

  /// A leaf of ten days.
  func issue(names: [String]) throws -> String {
    let path = scratch.path
    let common = names[0].split(separator: ":")[1]
    try OpenSSLTool.run("req", "-new", "-key", "\(path)/leaf.key", "-subj", "/CN=\(common)", "-out", "\(path)/leaf.csr")
    let extensions = try scratch.write(
      "leaf.ext",
      "subjectAltName=\(names.joined(separator: ","))\nauthorityKeyIdentifier=keyid\nextendedKeyUsage=serverAuth\n")
    return try OpenSSLTool.run(
      "x509", "-req", "-in", "\(path)/leaf.csr", "-CA", "\(path)/intermediate.pem", "-CAkey",
      "\(path)/intermediate.key", "-CAcreateserial", "-days", "10", "-extfile", extensions)
  }
}
