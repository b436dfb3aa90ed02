private import COpenSSL

/// What can be told of a key without its private half.
enum PublicKey {
  /// The kind and the canonical JWK (RFC 7638 section 3.2 and 3.3: required members only, in lexicographic order, no white space).
  static func describe(_ key: OpaquePointer) throws(PKIError) -> (KeyKind, jwk: String) {
    if EVP_PKEY_is_a(key, "RSA") == 1 {
      let bits = Int(EVP_PKEY_get_bits(key))
      guard (2_048...4_096).contains(bits) else { throw .unsupportedKey("RSA with \(bits) bits") }
      let e = Base64URL.encode(try number(key, OSSL_PKEY_PARAM_RSA_E, width: nil))
      let n = Base64URL.encode(try number(key, OSSL_PKEY_PARAM_RSA_N, width: nil))
      return (.rsa(bits: bits), #"{"e":"\#(e)","kty":"RSA","n":"\#(n)"}"#)
    }
    guard EVP_PKEY_is_a(key, "EC") == 1 else {
      throw .unsupportedKey(EVP_PKEY_get0_type_name(key).map { String(cString: $0) } ?? "unknown")
    }
    let (kind, curve, width): (KeyKind, String, Int32)
    switch try group(key) {
    case "prime256v1", "P-256": (kind, curve, width) = (.ecdsaP256, "P-256", 32)
    case "secp384r1", "P-384": (kind, curve, width) = (.ecdsaP384, "P-384", 48)
    case let other: throw .unsupportedKey("EC on curve \(other)")
    }
    // RFC 7518 section 6.2.1.2: coordinates have the full width of the curve, leading zeros included.
    let x = Base64URL.encode(try number(key, OSSL_PKEY_PARAM_EC_PUB_X, width: width))
    let y = Base64URL.encode(try number(key, OSSL_PKEY_PARAM_EC_PUB_Y, width: width))
    return (kind, #"{"crv":"\#(curve)","kty":"EC","x":"\#(x)","y":"\#(y)"}"#)
  }

  /// DER SubjectPublicKeyInfo.
  static func der(_ key: OpaquePointer) throws(PKIError) -> [UInt8] {
    try DER.encode("a public key") { i2d_PUBKEY(key, $0) }
  }

  private static func group(_ key: OpaquePointer) throws(PKIError) -> String {
    var name = [CChar](repeating: 0, count: 80)
    guard EVP_PKEY_get_utf8_string_param(key, OSSL_PKEY_PARAM_GROUP_NAME, &name, name.count, nil) == 1 else {
      throw PKIError.fromQueue(doing: "read the curve")
    }
    return String(decoding: name.prefix { $0 != 0 }.map(UInt8.init(bitPattern:)), as: UTF8.self)
  }

  private static func number(_ key: OpaquePointer, _ name: String, width: Int32?) throws(PKIError) -> [UInt8] {
    var found: OpaquePointer?
    guard EVP_PKEY_get_bn_param(key, name, &found) == 1 else { throw PKIError.fromQueue(doing: "read a public key") }
    let number = try Handle(found, BN_free, or: .fromQueue(doing: "read a public key"))
    let width = width ?? (BN_num_bits(number.pointer) + 7) / 8
    var bytes = [UInt8](repeating: 0, count: Int(width))
    guard BN_bn2binpad(number.pointer, &bytes, width) == width else {
      throw PKIError.fromQueue(doing: "read a public key")
    }
    return bytes
  }
}

/// OpenSSL's `i2d` functions, which allocate when they are given a null pointer.
enum DER {
  static func encode(
    _ what: String, _ write: (UnsafeMutablePointer<UnsafeMutablePointer<UInt8>?>?) -> Int32
  ) throws(PKIError) -> [UInt8] {
    var start: UnsafeMutablePointer<UInt8>?
    let count = write(&start)
    guard count >= 0, let start else { throw PKIError.fromQueue(doing: "encode \(what)") }
    defer { certfleet_free(start) }
    return Array(UnsafeBufferPointer(start: start, count: Int(count)))
  }
}
