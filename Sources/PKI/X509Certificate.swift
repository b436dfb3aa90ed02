private import COpenSSL
public import Foundation

/// A certificate, read once; equal when the bytes are equal.
///
/// All hexadecimal is lower-case without colons. Texts come from whoever made the certificate and are as hostile as any other.
public struct X509Certificate: Sendable, Hashable {
  /// The bytes that were signed and sent.
  public let der: [UInt8]
  /// SHA-256 of the DER.
  public let sha256Hex: String
  /// SHA-1 of the DER, as load balancers print it; for comparison only.
  public let sha1Hex: String
  /// The serial number, whole bytes.
  public let serialHex: String
  /// The content bytes of the serial's DER INTEGER, with the leading zero when the top bit is set (RFC 9773 section 4.1).
  public let serialDERContent: [UInt8]
  /// Start of validity.
  public let notBefore: Date
  /// End of validity, inclusive.
  public let notAfter: Date
  /// dNSName entries of the subject alternative name, as they stand.
  public let dnsNames: [String]
  /// iPAddress entries of the subject alternative name, as text.
  public let ipAddresses: [String]
  /// The subject in the form of RFC 2253.
  public let subject: String
  /// The issuer in the form of RFC 2253.
  public let issuer: String
  /// Common names of the issuer: the root's, on the last certificate of a chain.
  public let issuerCommonNames: [String]
  /// SHA-256 of the DER SubjectPublicKeyInfo: equal for a key, its request and its certificate.
  public let publicKeySHA256: [UInt8]
  /// keyIdentifier of the authority key identifier extension.
  public let authorityKeyID: [UInt8]?
  /// Whether it may sign other certificates: `CA:TRUE` in its basic constraints (RFC 5280 section 4.2.1.9).
  public let isAuthority: Bool

  /// Reads the first certificate in a PEM text.
  public init(pem: String) throws(PKIError) {
    guard let first = try Self.chain(pem: pem).first else { throw .malformed("no certificate in PEM") }
    self = first
  }

  /// All certificates of a PEM text, in order. Other blocks, a private key for example, are passed over.
  public static func chain(pem bundle: String) throws(PKIError) -> [X509Certificate] {
    var found: [X509Certificate] = []
    for der in try PEMText.blocks(["CERTIFICATE", "X509 CERTIFICATE"], in: bundle) {
      found.append(try X509Certificate(der: der))
    }
    return found
  }

  /// PEM of this one certificate.
  public var pem: String { PEMText.block("CERTIFICATE", der) }

  /// The ARI identifier of this certificate (RFC 9773 section 4.1); `nil` without an authority key identifier.
  public var ariCertID: String? {
    authorityKeyID.map { Self.ariCertID(authorityKeyID: $0, serialDERContent: serialDERContent) }
  }

  /// base64url of the key identifier, a dot, base64url of the serial's content bytes.
  static func ariCertID(authorityKeyID: [UInt8], serialDERContent: [UInt8]) -> String {
    Base64URL.encode(authorityKeyID) + "." + Base64URL.encode(serialDERContent)
  }

  /// Reads DER; bytes after its end are refused.
  public init(der: [UInt8]) throws(PKIError) {
    let handle = try CertificateHandle(der: der)
    let x509 = handle.pointer
    // As received, never encoded again: a fingerprint is over the bytes that were sent, be they canonical or not.
    self.der = der
    sha256Hex = hex(sha256(der))
    sha1Hex = hex(sha1(der))
    serialDERContent = try ASN1.content(ofInteger: X509_get0_serialNumber(x509))
    let serial =
      serialDERContent.count > 1 && serialDERContent[0] == 0 ? serialDERContent.dropFirst() : serialDERContent[...]
    serialHex = hex(serial)
    notBefore = try ASN1.date(X509_get0_notBefore(x509))
    notAfter = try ASN1.date(X509_get0_notAfter(x509))
    (dnsNames, ipAddresses) = AlternativeNames.take(
      OpaquePointer(X509_get_ext_d2i(x509, NID_subject_alt_name, nil, nil)))
    subject = try DistinguishedName.text(X509_get_subject_name(x509))
    issuer = try DistinguishedName.text(X509_get_issuer_name(x509))
    issuerCommonNames = DistinguishedName.commonNames(X509_get_issuer_name(x509))
    let key = X509_get_X509_PUBKEY(x509)
    publicKeySHA256 = sha256(try DER.encode("a public key") { i2d_X509_PUBKEY(key, $0) })
    authorityKeyID = ASN1.bytes(X509_get0_authority_key_id(x509))
    isAuthority = X509_check_ca(x509) == 1
    ERR_clear_error()
  }

  /// Equal bytes, equal certificate; everything else follows from them.
  public static func == (left: X509Certificate, right: X509Certificate) -> Bool { left.der == right.der }
  /// Hashes the bytes.
  public func hash(into hasher: inout Hasher) { hasher.combine(der) }
}

/// A parsed certificate inside OpenSSL, for the length of one call.
struct CertificateHandle: ~Copyable {
  let pointer: OpaquePointer

  init(der: [UInt8]) throws(PKIError) {
    ERR_clear_error()
    let (parsed, isWhole) = der.withUnsafeBufferPointer { bytes in
      var cursor = bytes.baseAddress
      let parsed = d2i_X509(nil, &cursor, bytes.count)
      return (parsed, cursor == bytes.baseAddress.map { $0 + bytes.count })
    }
    guard let parsed else { throw .malformed("certificate (\(OpenSSLErrors.drain().first?.text ?? "empty"))") }
    guard isWhole else {
      X509_free(parsed)
      throw .malformed("certificate with bytes after its end")
    }
    pointer = parsed
  }

  deinit { X509_free(pointer) }
}
