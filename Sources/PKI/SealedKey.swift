private import COpenSSL

extension SigningKey {
  /// The key as PKCS#8, sealed for the holder of a certificate: CMS with AES-256-CBC, so that the OpenSSL 1.0.1 of an old node opens it.
  ///
  /// CBC carries no authentication: whoever opens it MUST compare the public half with the certificate that the key is for.
  public func sealed(for recipient: X509Certificate) throws(PKIError) -> String {
    let der = recipient.der
    let parsed = der.withUnsafeBufferPointer { bytes in
      var cursor = bytes.baseAddress
      return d2i_X509(nil, &cursor, bytes.count)
    }
    let certificate = try Handle(parsed, X509_free, or: .fromQueue(doing: "read the recipient"))
    let stack = try Handle(
      certfleet_x509_stack(), certfleet_x509_stack_free, or: .fromQueue(doing: "seal a key"))
    guard certfleet_x509_push(stack.pointer, certificate.pointer) != 0 else {
      throw PKIError.fromQueue(doing: "seal a key")
    }
    let clear = try plainPEM()
    let made = try clear.withBytes { bytes throws(PKIError) -> OpaquePointer? in
      let input = try MemoryBIO(readingSecret: bytes)
      return CMS_encrypt(stack.pointer, input.pointer, EVP_aes_256_cbc(), UInt32(CMS_BINARY))
    }
    let sealed = try Handle(made, CMS_ContentInfo_free, or: .fromQueue(doing: "seal a key"))
    let output = try MemoryBIO()
    guard PEM_write_bio_CMS(output.pointer, sealed.pointer) == 1 else {
      throw PKIError.fromQueue(doing: "write a sealed key")
    }
    return output.text
  }
}

/// What a process that holds secrets asks of the kernel and of its own runtime.
public enum ProcessSecrecy {
  /// No core file, no report of a crash with memory in it, and no look into the process's memory by others of the same
  /// user. False where the kernel refused.
  public static func forbidDumps() -> Bool { certfleet_forbid_dumps() != 0 }
}
