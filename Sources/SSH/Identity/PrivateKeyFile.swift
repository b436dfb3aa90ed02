import Foundation

/// What a private key file says about itself in clear text.
struct PrivateKeyFile {
  struct Unreadable: Error {
    let reason: String
  }

  let isEncrypted: Bool
  /// OpenSSH's format shows the public half even when the rest is encrypted.
  let publicKey: HostKey?
  /// libssh2 1.10 parses these by itself; all others go through ssh-agent.
  let libraryReadsIt: Bool

  init(_ bytes: [UInt8]) throws(Unreadable) {
    let lines = String(decoding: bytes, as: UTF8.self).split(whereSeparator: \.isNewline).map {
      $0.trimmingCharacters(in: .whitespaces)
    }
    guard let begin = lines.firstIndex(where: { $0.hasPrefix("-----BEGIN ") && $0.hasSuffix(" PRIVATE KEY-----") })
    else {
      throw Unreadable(
        reason: lines.first?.hasPrefix("ssh-") ?? false
          ? "this is a public key; name the private one" : "this is no private key in OpenSSH or PEM format")
    }
    guard let end = lines[begin...].firstIndex(where: { $0.hasPrefix("-----END ") }) else {
      throw Unreadable(reason: "the key is cut off: it has no END line")
    }
    let body = lines[(begin + 1)..<end]
    switch lines[begin] {
    case "-----BEGIN OPENSSH PRIVATE KEY-----":
      guard let data = Data(base64Encoded: body.joined()) else { throw Unreadable(reason: "the key is not base64") }
      (isEncrypted, publicKey) = try PrivateKeyFile.readOpenSSH(Array(data))
      libraryReadsIt = publicKey.map { Algorithms.hostKeyTypes.contains($0.type) } ?? false
    case "-----BEGIN ENCRYPTED PRIVATE KEY-----":
      (isEncrypted, publicKey, libraryReadsIt) = (true, nil, false)
    default:
      isEncrypted = body.contains { $0.hasPrefix("Proc-Type:") && $0.contains("ENCRYPTED") }
      publicKey = nil
      libraryReadsIt = lines[begin].contains("RSA PRIVATE") || lines[begin].contains("EC PRIVATE")
    }
  }

  /// openssh-key-v1: cipher, KDF, its options, number of keys, public key, private part.
  private static func readOpenSSH(_ bytes: [UInt8]) throws(Unreadable) -> (Bool, HostKey?) {
    let magic = Array("openssh-key-v1\0".utf8)
    var reader = WireReader(bytes, from: magic.count)
    guard bytes.starts(with: magic), let cipher = reader.string(), reader.string() != nil, reader.string() != nil,
      reader.uint32() == 1, let blob = reader.string()
    else { throw Unreadable(reason: "the key is damaged") }
    return (cipher != Array("none".utf8), HostKey(blob: blob))
  }

  /// Reads the file, if it is ours alone to read, as ssh demands.
  static func read(_ path: String) throws(SSHError) -> [UInt8] {
    func unreadable(_ detail: String) -> SSHError {
      SSHError(.keyUnreadable, phase: .identity, host: path, port: 0, detail: detail)
    }
    // O_NONBLOCK: a FIFO would wait for its other end before it can be looked at.
    let descriptor = open(path, O_RDONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC)
    guard descriptor >= 0, let file = fdopen(descriptor, "r") else { throw unreadable(systemMessage(errno)) }
    defer { fclose(file) }
    var info = stat()
    guard fstat(descriptor, &info) == 0 else { throw unreadable(systemMessage(errno)) }
    guard info.st_mode & S_IFMT == S_IFREG else { throw unreadable("this is no regular file") }
    guard info.st_mode & 0o077 == 0 else {
      throw unreadable("others may read it (mode \(String(info.st_mode & 0o777, radix: 8))); chmod 600")
    }
    var bytes = [UInt8](repeating: 0, count: 65_536)
    let count = fread(&bytes, 1, bytes.count, file)
    guard count > 0, count < bytes.count else {
      throw unreadable(count == 0 ? "it is empty" : "it is too long for a key")
    }
    return Array(bytes.prefix(count))
  }

  /// The `.pub` beside it spares libssh2 from parsing the private key twice.
  static func companion(of path: String) -> HostKey? {
    var info = stat()
    guard stat(path + ".pub", &info) == 0, info.st_mode & S_IFMT == S_IFREG, info.st_size < 65_536 else { return nil }
    return FileManager.default.contents(atPath: path + ".pub").flatMap {
      HostKey(openSSH: String(decoding: $0, as: UTF8.self))
    }
  }
}
