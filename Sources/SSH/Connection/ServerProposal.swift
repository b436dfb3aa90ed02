/// What a server offered in its KEXINIT (RFC 4253 §7.1), read from the clear-text begin of the conversation that we
/// kept: so a failed negotiation is explained without a second connection.
struct ServerProposal: Equatable {
  let keyExchange: [String]
  let hostKeys: [String]
  let ciphers: [String]
  let macs: [String]

  /// nil when the bytes hold no complete KEXINIT.
  init?(opening: [UInt8]) {
    guard let start = ServerProposal.endOfBanner(opening) else { return nil }
    var reader = WireReader(opening, from: start)
    guard let length = reader.uint32(), length < 40_000, reader.remaining >= Int(length),
      reader.byte() != nil, reader.byte() == 20, reader.take(16) != nil,
      let keyExchange = reader.nameList(), let hostKeys = reader.nameList(), reader.nameList() != nil,
      let ciphers = reader.nameList(), reader.nameList() != nil, let macs = reader.nameList()
    else { return nil }
    self.keyExchange = keyExchange
    self.hostKeys = hostKeys
    self.ciphers = ciphers
    self.macs = macs
  }

  private static func endOfBanner(_ bytes: [UInt8]) -> Int? {
    var line = 0
    while line < bytes.count, let end = bytes[line...].firstIndex(of: 10) {
      if bytes[line...].starts(with: Array("SSH-".utf8)) { return end + 1 }
      line = end + 1
    }
    return nil
  }

  /// The first class in which nothing is in common, in words, with the remedy; nil when all have something.
  func disagreement(
    keyExchange ours: [String], hostKeys ourKeys: [String], ciphers ourCiphers: [String], macs ourMACs: [String]
  ) -> (detail: String, remedy: String)? {
    let update = "use libssh2 1.11.1 or newer on the controller, or allow"
    let classes: [(String, [String], [String], String)] = [
      ("key exchange", keyExchange, ours, "\(update) KexAlgorithms curve25519-sha256 on the node"),
      ("host key", hostKeys, ourKeys, "\(update) an ed25519 host key on the node (ssh-keygen -A)"),
      ("cipher", ciphers, ourCiphers, "\(update) Ciphers aes128-ctr on the node"),
      ("MAC", macs, ourMACs, "\(update) MACs hmac-sha2-256 on the node"),
    ]
    for (name, theirs, mine, remedy) in classes where !theirs.contains(where: mine.contains) {
      return (
        "no common \(name) algorithm: the server has \(theirs.joined(separator: ",")), "
          + "we have \(mine.joined(separator: ","))", "Either \(remedy)."
      )
    }
    return nil
  }
}
