/// What we offer, best first. Names that the installed libssh2 does not know are left out by it, so the same lists serve
/// 1.10 (no etm MACs, no GCM, no rsa-sha2) and 1.11.
enum Algorithms {
  /// curve25519 costs us 1.4 ms, group16 39 ms. group1 and group-exchange with SHA-1 are not offered.
  static let keyExchange = [
    "curve25519-sha256", "curve25519-sha256@libssh.org", "ecdh-sha2-nistp256", "ecdh-sha2-nistp384",
    "ecdh-sha2-nistp521", "diffie-hellman-group-exchange-sha256", "diffie-hellman-group14-sha256",
    "diffie-hellman-group16-sha512", "diffie-hellman-group18-sha512", "diffie-hellman-group14-sha1",
  ]

  /// No CBC, no arcfour, no 3DES.
  static let ciphers = [
    "aes128-gcm@openssh.com", "aes256-gcm@openssh.com", "aes128-ctr", "aes256-ctr", "aes192-ctr",
    "chacha20-poly1305@openssh.com",
  ]

  static let macs = [
    "hmac-sha2-256-etm@openssh.com", "hmac-sha2-512-etm@openssh.com", "hmac-sha2-256", "hmac-sha2-512", "hmac-sha1",
  ]

  static let hostKeyTypes = [
    "ssh-ed25519", "ecdsa-sha2-nistp256", "ecdsa-sha2-nistp384", "ecdsa-sha2-nistp521", "ssh-rsa",
  ]

  /// The signature algorithms by which a key of this type may prove itself.
  static func signatures(of type: String) -> [String] {
    type == "ssh-rsa" ? ["rsa-sha2-512", "rsa-sha2-256", "ssh-rsa"] : [type]
  }

  /// Pinned types only: the library's own order has ecdsa before ed25519, and a pinned ed25519 key would look changed.
  static func hostKeys(pinned: [HostKey]) -> [String] {
    let known = hostKeyTypes.filter { type in pinned.contains { $0.type == type } }
    let other = Set(pinned.map(\.type)).subtracting(hostKeyTypes).sorted()
    return (known + other).flatMap(signatures)
  }
}
