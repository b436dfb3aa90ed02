private import COpenSSL

/// The kinds of key that ACME accounts and public CAs take.
public enum KeyKind: Sendable, Hashable {
  /// NIST P-256.
  case ecdsaP256
  /// NIST P-384.
  case ecdsaP384
  /// RSA of 2048 to 4096 bits.
  case rsa(bits: Int)
}

/// A private key: of an ACME account, or of a certificate where the controller makes it.
public struct SigningKey: Sendable {
  /// What the key is.
  public let kind: KeyKind
  /// The public key as JWK, members in the canonical order of RFC 7638 section 3.
  public let publicJWK: String
  /// SHA-256 of the DER SubjectPublicKeyInfo: equal for a key, its request and its certificate.
  public let publicKeySHA256: [UInt8]

  let handle: KeyHandle

  /// Makes a key.
  public static func generate(_ kind: KeyKind) throws(PKIError) -> SigningKey {
    let made =
      switch kind {
      case .ecdsaP256: certfleet_ec_generate("P-256")
      case .ecdsaP384: certfleet_ec_generate("P-384")
      case .rsa(let bits):
        // Public CAs take whole multiples of eight; 2048, 3072 and 4096 are the customary ones.
        (2_048...4_096).contains(bits) && bits.isMultiple(of: 8) ? certfleet_rsa_generate(UInt32(bits)) : nil
      }
    guard let made else {
      if case .rsa(let bits) = kind { throw .unsupportedKey("RSA with \(bits) bits") }
      throw PKIError.fromQueue(doing: "make a key")
    }
    return try SigningKey(handle: KeyHandle(made))
  }

  /// Reads a key in PEM: PKCS#8, encrypted or not, PKCS#1 or SEC1.
  ///
  /// - Parameter passphrase: `nil` for a key in clear; an encrypted one then throws `.passphraseNeeded` and never asks on a terminal.
  public init(pem: PKISecret, passphrase: PKISecret? = nil) throws(PKIError) {
    try self.init(handle: PEMKey.read(pem, passphrase: passphrase))
  }

  init(handle: KeyHandle) throws(PKIError) {
    self.handle = handle
    (kind, publicJWK) = try PublicKey.describe(handle.pointer)
    publicKeySHA256 = sha256(try PublicKey.der(handle.pointer))
  }

  /// The JWK thumbprint with SHA-256 (RFC 7638), base64url.
  public var thumbprint: String { Base64URL.encode(sha256(publicJWK.utf8)) }

  /// Encrypted PKCS#8: PBES2 with PBKDF2 (HMAC-SHA-256) and AES-256-CBC, which `openssl pkey` opens.
  ///
  /// - Parameter iterations: Some 50 ms of work at the default; an account key is opened once a process.
  public func encryptedPEM(passphrase: PKISecret, iterations: Int = 200_000) throws(PKIError) -> String {
    try PEMKey.encrypted(handle, passphrase: passphrase, iterations: Int32(iterations))
  }

  /// PKCS#8 in clear, for a pipe to the node that will serve the certificate. MUST never be written to a file here.
  public func plainPEM() throws(PKIError) -> PKISecret {
    try PEMKey.plain(handle)
  }

  /// The name of the JWS algorithm that this key signs with (RFC 7518 section 3.1).
  public var jwsAlgorithm: String {
    switch kind {
    case .ecdsaP256: "ES256"
    case .ecdsaP384: "ES384"
    case .rsa: "RS256"
    }
  }

  /// A JWS signature: raw r‖s for ECDSA (RFC 7518 section 3.4), PKCS#1 v1.5 for RSA.
  public func signature(over bytes: [UInt8]) throws(PKIError) -> [UInt8] {
    switch kind {
    case .ecdsaP256: try ECDSASignature.raw(fromDER: sign(bytes, digest: EVP_sha256()), width: 32)
    case .ecdsaP384: try ECDSASignature.raw(fromDER: sign(bytes, digest: EVP_sha384()), width: 48)
    case .rsa: try sign(bytes, digest: EVP_sha256())
    }
  }

  private func sign(_ bytes: [UInt8], digest: OpaquePointer?) throws(PKIError) -> [UInt8] {
    let context = try Handle(EVP_MD_CTX_new(), EVP_MD_CTX_free, or: .fromQueue(doing: "sign"))
    var count = 0
    guard EVP_DigestSignInit(context.pointer, nil, digest, nil, handle.pointer) == 1,
      EVP_DigestSign(context.pointer, nil, &count, bytes, bytes.count) == 1
    else { throw PKIError.fromQueue(doing: "sign") }
    var signature = [UInt8](repeating: 0, count: count)
    guard EVP_DigestSign(context.pointer, &signature, &count, bytes, bytes.count) == 1 else {
      throw PKIError.fromQueue(doing: "sign")
    }
    return Array(signature.prefix(count))
  }
}

/// The two numbers of an ECDSA signature.
enum ECDSASignature {
  static func raw(fromDER der: [UInt8], width: Int32) throws(PKIError) -> [UInt8] {
    let parsed = der.withUnsafeBufferPointer { bytes in
      var cursor = bytes.baseAddress
      return d2i_ECDSA_SIG(nil, &cursor, bytes.count)
    }
    let signature = try Handle(parsed, ECDSA_SIG_free, or: .fromQueue(doing: "read a signature"))
    var raw = [UInt8](repeating: 0, count: 2 * Int(width))
    // Padded to full width: a number that starts with zero bytes is rare enough to be found only in production.
    let written = raw.withUnsafeMutableBufferPointer { bytes in
      let half = bytes.baseAddress.map { $0 + Int(width) }
      return BN_bn2binpad(ECDSA_SIG_get0_r(signature.pointer), bytes.baseAddress, width)
        + BN_bn2binpad(ECDSA_SIG_get0_s(signature.pointer), half, width)
    }
    guard written == 2 * width else { throw PKIError.fromQueue(doing: "read a signature") }
    return raw
  }
}
