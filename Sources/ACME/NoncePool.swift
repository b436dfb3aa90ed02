/// Nonces that came with answers. Every answer to a POST brings one, so that a client of N requests at once asks for N nonces in its life.
///
/// The newest is used first: Let's Encrypt's nonces die with their back-end or after some 65,000 younger ones.
actor NoncePool {
  static let longestLife = Duration.seconds(180)
  static let capacity = 256

  private var nonces: [(value: String, since: ContinuousClock.Instant)] = []

  var count: Int { nonces.count }

  /// Keeps what is a nonce (RFC 8555 section 6.5.1: anything but base64url MUST be ignored).
  func put(_ nonce: String?, at now: ContinuousClock.Instant) {
    guard let nonce = Self.checked(nonce) else { return }
    nonces.append((nonce, now))
    if nonces.count > Self.capacity { nonces.removeFirst(nonces.count - Self.capacity) }
  }

  /// The newest one, unless even that is too old.
  func take(at now: ContinuousClock.Instant) -> String? {
    guard let newest = nonces.popLast() else { return nil }
    guard now - newest.since <= Self.longestLife else {
      nonces = []
      return nil
    }
    return newest.value
  }

  static func checked(_ nonce: String?) -> String? {
    guard let nonce, (1...512).contains(nonce.utf8.count) else { return nil }
    let isBase64URL = nonce.utf8.allSatisfy { byte in
      switch byte {
      case 0x30...0x39, 0x41...0x5a, 0x61...0x7a, UInt8(ascii: "-"), UInt8(ascii: "_"): true
      default: false
      }
    }
    return isBase64URL ? nonce : nil
  }
}
