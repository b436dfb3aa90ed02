private import COpenSSL

/// Private keys in PEM.
enum PEMKey {
  static func read(_ pem: PKISecret, passphrase: PKISecret?) throws(PKIError) -> KeyHandle {
    ERR_clear_error()
    let read = try pem.withBytes { bytes throws(PKIError) -> OpaquePointer? in
      let input = try MemoryBIO(readingSecret: bytes)
      guard let passphrase else {
        // Without a callback OpenSSL asks on the terminal, for ever in a service.
        return PEM_read_bio_PrivateKey(input.pointer, nil, { _, _, _, _ in -1 }, nil)
      }
      return passphrase.withBytes { secret in
        var lent = secret
        return withUnsafeMutablePointer(to: &lent) { lent in
          PEM_read_bio_PrivateKey(input.pointer, nil, givePassphrase, lent)
        }
      }
    }
    if let read { return KeyHandle(read) }

    let errors = OpenSSLErrors.drain()
    func has(_ library: Int32, _ reasons: Int32...) -> Bool {
      errors.contains { $0.library == library && reasons.contains($0.reason) }
    }
    if passphrase == nil, has(ERR_LIB_PEM, PEM_R_BAD_PASSWORD_READ) { throw .passphraseNeeded }
    // A wrong passphrase mostly breaks the padding, and once in 256 times gives bytes that are no ASN.1.
    let isDecryption =
      has(ERR_LIB_PEM, PEM_R_BAD_DECRYPT) || has(ERR_LIB_EVP, EVP_R_BAD_DECRYPT)
      || has(ERR_LIB_PKCS12, PKCS12_R_PKCS12_CIPHERFINAL_ERROR, PKCS12_R_DECODE_ERROR)
      || has(ERR_LIB_PROV, PROV_R_BAD_DECRYPT)
    if passphrase != nil, isDecryption { throw .wrongPassphrase }
    throw .malformed("no private key in PEM (\(errors.last?.text ?? "empty"))")
  }

  static func encrypted(_ key: KeyHandle, passphrase: PKISecret, iterations: Int32) throws(PKIError) -> String {
    // OpenSSL reads a passphrase into 1,024 bytes (PEM_BUFSIZE): a longer one would lock the key for ever, an empty one not at all.
    guard (1...Int(PEM_BUFSIZE)).contains(passphrase.count) else {
      throw .malformed("a passphrase has 1 to \(PEM_BUFSIZE) bytes, this one \(passphrase.count)")
    }
    let info = try Handle(EVP_PKEY2PKCS8(key.pointer), PKCS8_PRIV_KEY_INFO_free, or: .fromQueue(doing: "encode a key"))
    // 16 random bytes of salt; PBKDF2 with HMAC-SHA-256, said outright so that no default of OpenSSL's can weaken it.
    var salt = try randomBytes(16)
    let algorithm = PKCS5_pbe2_set_iv(
      EVP_aes_256_cbc(), iterations, &salt, Int32(salt.count), nil, NID_hmacWithSHA256)
    guard let algorithm else { throw PKIError.fromQueue(doing: "encrypt a key") }
    let sealed = passphrase.withBytes { secret in
      // Takes over `algorithm` on success.
      PKCS8_set0_pbe(
        secret.bindMemory(to: CChar.self).baseAddress, Int32(secret.count), info.pointer, algorithm)
    }
    if sealed == nil { X509_ALGOR_free(algorithm) }
    let envelope = try Handle(sealed, X509_SIG_free, or: .fromQueue(doing: "encrypt a key"))
    let output = try MemoryBIO()
    guard PEM_write_bio_PKCS8(output.pointer, envelope.pointer) == 1 else {
      throw PKIError.fromQueue(doing: "write a key")
    }
    return output.text
  }

  static func plain(_ key: KeyHandle) throws(PKIError) -> PKISecret {
    let output = try MemoryBIO(secret: true)
    guard PEM_write_bio_PKCS8PrivateKey(output.pointer, key.pointer, nil, nil, 0, nil, nil) == 1 else {
      throw PKIError.fromQueue(doing: "write a key")
    }
    return output.withBytes { PKISecret(copying: $0) }
  }
}

/// OpenSSL's `pem_password_cb`; `lent` points to the passphrase's bytes.
private func givePassphrase(
  _ buffer: UnsafeMutablePointer<CChar>?, _ size: Int32, _ isWriting: Int32, _ lent: UnsafeMutableRawPointer?
) -> Int32 {
  guard let buffer, let lent else { return -1 }
  let secret = lent.assumingMemoryBound(to: UnsafeRawBufferPointer.self).pointee
  guard secret.count <= Int(size) else { return -1 }
  UnsafeMutableRawBufferPointer(start: buffer, count: Int(size)).copyBytes(from: secret)
  return Int32(secret.count)
}
