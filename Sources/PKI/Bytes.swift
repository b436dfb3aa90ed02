private import COpenSSL

/// SHA-256 (FIPS 180-4).
public func sha256(_ bytes: some Sequence<UInt8>) -> [UInt8] {
  let input = Array(bytes)
  var output = [UInt8](repeating: 0, count: Int(SHA256_DIGEST_LENGTH))
  SHA256(input, input.count, &output)
  return output
}

/// SHA-1, only to compare with what load balancers print; nothing here trusts it.
public func sha1(_ bytes: some Sequence<UInt8>) -> [UInt8] {
  let input = Array(bytes)
  var output = [UInt8](repeating: 0, count: Int(SHA_DIGEST_LENGTH))
  SHA1(input, input.count, &output)
  return output
}

/// HMAC with SHA-256 (RFC 2104).
public func hmacSHA256(_ bytes: some Sequence<UInt8>, key: PKISecret) -> [UInt8] {
  let input = Array(bytes)
  var output = [UInt8](repeating: 0, count: Int(SHA256_DIGEST_LENGTH))
  key.withBytes { key in
    // OpenSSL takes a null key for "the one before": an empty key must have an address.
    let address = key.baseAddress ?? UnsafeRawPointer(bitPattern: 1)
    _ = HMAC(EVP_sha256(), address, Int32(key.count), input, input.count, &output, nil)
  }
  return output
}

/// Random bytes of OpenSSL's generator.
public func randomBytes(_ count: Int) throws(PKIError) -> [UInt8] {
  var bytes = [UInt8](repeating: 0, count: count)
  guard RAND_bytes(&bytes, Int32(count)) == 1 else { throw PKIError.fromQueue(doing: "random bytes") }
  return bytes
}

/// Lower-case hexadecimal.
public func hex(_ bytes: some Sequence<UInt8>) -> String {
  let digits = Array("0123456789abcdef".utf8)
  var text: [UInt8] = []
  for byte in bytes {
    text.append(digits[Int(byte >> 4)])
    text.append(digits[Int(byte & 15)])
  }
  return String(decoding: text, as: UTF8.self)
}

/// The base64url alphabet without padding (RFC 4648 section 5, RFC 7515 section 2).
public enum Base64URL {
  private static let alphabet = Array("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_".utf8)

  /// Without padding.
  public static func encode(_ bytes: some Collection<UInt8>) -> String {
    var text: [UInt8] = []
    text.reserveCapacity((bytes.count * 4 + 2) / 3)
    var group: UInt32 = 0
    var bits: UInt32 = 0
    for byte in bytes {
      group = group << 8 | UInt32(byte)
      bits += 8
      while bits >= 6 {
        bits -= 6
        text.append(alphabet[Int(group >> bits & 63)])
      }
      group &= (1 << bits) - 1
    }
    if bits > 0 { text.append(alphabet[Int(group << (6 - bits) & 63)]) }
    return String(decoding: text, as: UTF8.self)
  }

  /// `nil` for any character outside the alphabet, padding, a length no encoder makes, or stray bits at the end.
  public static func decode(_ text: String) -> [UInt8]? { decode(text.utf8) }

  /// Also takes padding and the alphabet of RFC 4648 section 4: CAs hand out external account keys in every form.
  public static func decodeLeniently(_ text: String) -> [UInt8]? {
    var bytes = text.utf8.map { byte -> UInt8 in
      switch byte {
      case UInt8(ascii: "+"): UInt8(ascii: "-")
      case UInt8(ascii: "/"): UInt8(ascii: "_")
      default: byte
      }
    }
    while let last = bytes.last, last == UInt8(ascii: "=") || last == 0x0a || last == 0x0d || last == 0x20 {
      bytes.removeLast()
    }
    return decode(bytes)
  }

  private static func decode(_ characters: some Collection<UInt8>) -> [UInt8]? {
    guard characters.count % 4 != 1 else { return nil }
    var bytes: [UInt8] = []
    bytes.reserveCapacity(characters.count * 3 / 4)
    var group: UInt32 = 0
    var bits: UInt32 = 0
    for character in characters {
      guard let value = value(of: character) else { return nil }
      group = group << 6 | value
      bits += 6
      if bits >= 8 {
        bits -= 8
        bytes.append(UInt8(truncatingIfNeeded: group >> bits))
        group &= (1 << bits) - 1
      }
    }
    return group == 0 ? bytes : nil
  }

  private static func value(of character: UInt8) -> UInt32? {
    switch character {
    case UInt8(ascii: "A")...UInt8(ascii: "Z"): UInt32(character - UInt8(ascii: "A"))
    case UInt8(ascii: "a")...UInt8(ascii: "z"): UInt32(character - UInt8(ascii: "a")) + 26
    case UInt8(ascii: "0")...UInt8(ascii: "9"): UInt32(character - UInt8(ascii: "0")) + 52
    case UInt8(ascii: "-"): 62
    case UInt8(ascii: "_"): 63
    default: nil
    }
  }
}
