private import COpenSSL

/// A PKCS#10 request (RFC 2986): made on a node by openssl, or here where the controller makes the keys.
public struct CertificateRequest: Sendable, Hashable {
  /// The bytes to send to the CA.
  public let der: [UInt8]
  /// dNSName entries of the requested subject alternative name.
  public let dnsNames: [String]
  /// iPAddress entries, as text.
  public let ipAddresses: [String]
  /// Common names of the subject; RFC 8555 section 7.4 wants each among the alternative names.
  public let commonNames: [String]
  /// SHA-256 of the DER SubjectPublicKeyInfo: equal for a key, its request and its certificate.
  public let publicKeySHA256: [UInt8]
  /// Whether the request is signed by the key in it.
  public let signatureIsValid: Bool

  /// Reads DER; bytes after its end are refused.
  public init(der: [UInt8]) throws(PKIError) {
    ERR_clear_error()
    let (parsed, isWhole) = der.withUnsafeBufferPointer { bytes in
      var cursor = bytes.baseAddress
      let parsed = d2i_X509_REQ(nil, &cursor, bytes.count)
      return (parsed, cursor == bytes.baseAddress.map { $0 + bytes.count })
    }
    let request = try Handle(
      parsed, X509_REQ_free, or: .malformed("certificate request (\(OpenSSLErrors.drain().first?.text ?? "empty"))"))
    guard isWhole else { throw .malformed("certificate request with bytes after its end") }
    try self.init(request, der: der)
  }

  /// Reads the first request in a PEM text.
  public init(pem: String) throws(PKIError) {
    let blocks = try PEMText.blocks(["CERTIFICATE REQUEST", "NEW CERTIFICATE REQUEST"], in: pem)
    guard let first = blocks.first else { throw .malformed("no certificate request in PEM") }
    try self.init(der: first)
  }

  /// Makes a request for these names, which are A-labels, wildcards or addresses.
  ///
  /// The subject is empty: the common name is limited to 64 bytes and deprecated, and CAs that want one take it from the names.
  public static func make(names: [String], key: SigningKey) throws(PKIError) -> CertificateRequest {
    guard !names.isEmpty else { throw .unusableName("(none)") }
    let request = try Handle(X509_REQ_new(), X509_REQ_free, or: .fromQueue(doing: "make a request"))
    let list = try Handle(certfleet_names_new(), GENERAL_NAMES_free, or: .fromQueue(doing: "make a request"))
    for name in names { try append(name, to: list) }
    guard X509_REQ_set_version(request.pointer, Int(X509_REQ_VERSION_1)) == 1,
      X509_REQ_set_pubkey(request.pointer, key.handle.pointer) == 1,
      certfleet_request_add_names(request.pointer, list.pointer) == 1
    else { throw PKIError.fromQueue(doing: "make a request") }
    let digest = if case .ecdsaP384 = key.kind { EVP_sha384() } else { EVP_sha256() }
    guard X509_REQ_sign(request.pointer, key.handle.pointer, digest) > 0 else {
      throw PKIError.fromQueue(doing: "sign a request")
    }
    let made = request.pointer
    return try CertificateRequest(request, der: DER.encode("a certificate request") { i2d_X509_REQ(made, $0) })
  }

  /// PEM of the request.
  public var pem: String { PEMText.block("CERTIFICATE REQUEST", der) }

  private init(_ request: borrowing Handle, der: [UInt8]) throws(PKIError) {
    let pointer = request.pointer
    self.der = der
    (dnsNames, ipAddresses) = AlternativeNames.take(certfleet_request_names(pointer))
    commonNames = DistinguishedName.commonNames(X509_REQ_get_subject_name(pointer))
    let key = X509_REQ_get_X509_PUBKEY(pointer)
    publicKeySHA256 = sha256(try DER.encode("a public key") { i2d_X509_PUBKEY(key, $0) })
    signatureIsValid = X509_REQ_verify(pointer, X509_REQ_get0_pubkey(pointer)) == 1
    ERR_clear_error()
  }

  /// Built entry by entry: OpenSSL's text form would read a comma in a name as the next entry.
  private static func append(_ name: String, to list: borrowing Handle) throws(PKIError) {
    let address = IPAddress.bytes(name)
    let bytes = address ?? Array(name.utf8)
    // An IA5String of visible characters; NUL and blanks have been used to fool verifiers.
    guard address != nil || (!bytes.isEmpty && bytes.allSatisfy { $0 > 0x20 && $0 < 0x7f }) else {
      throw .unusableName(name)
    }
    guard let value = ASN1_STRING_type_new(address == nil ? V_ASN1_IA5STRING : V_ASN1_OCTET_STRING) else {
      throw PKIError.fromQueue(doing: "make a request")
    }
    guard ASN1_STRING_set(value, bytes, Int32(bytes.count)) == 1, let entry = GENERAL_NAME_new() else {
      ASN1_STRING_free(value)
      throw PKIError.fromQueue(doing: "make a request")
    }
    GENERAL_NAME_set0_value(entry, address == nil ? GEN_DNS : GEN_IPADD, value)
    guard certfleet_names_push(list.pointer, entry) > 0 else {
      GENERAL_NAME_free(entry)
      throw PKIError.fromQueue(doing: "make a request")
    }
  }
}
