private import COpenSSL
public import Foundation

/// Which roots are believed.
public enum TrustAnchors: Sendable, Hashable {
  /// OpenSSL's own places: the system's store, or what `SSL_CERT_FILE` and `SSL_CERT_DIR` name.
  case system
  /// A PEM file of roots.
  case bundle(path: String)
  /// These roots.
  case certificates([X509Certificate])
}

/// Why a chain was refused: OpenSSL's `X509_V_ERR_…`, an open set.
public struct ChainRefusal: RawRepresentable, Sendable, Hashable {
  /// OpenSSL's number.
  public let rawValue: Int32
  /// Any number of OpenSSL's.
  public init(rawValue: Int32) { self.rawValue = rawValue }

  /// `notAfter` has passed, of the leaf or one above it.
  public static let expired = ChainRefusal(rawValue: X509_V_ERR_CERT_HAS_EXPIRED)
  /// `notBefore` has not come: mostly the clock of this machine is slow.
  public static let notYetValid = ChainRefusal(rawValue: X509_V_ERR_CERT_NOT_YET_VALID)
  /// The chain ends before a trusted root: an intermediate is missing.
  public static let incomplete = ChainRefusal(rawValue: X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT_LOCALLY)
  /// One certificate alone, and its issuer is not known.
  public static let unknownIssuer = ChainRefusal(rawValue: X509_V_ERR_UNABLE_TO_VERIFY_LEAF_SIGNATURE)
  /// A certificate that signed itself and is not trusted.
  public static let selfSigned = ChainRefusal(rawValue: X509_V_ERR_DEPTH_ZERO_SELF_SIGNED_CERT)
  /// The chain ends in a root that is not trusted.
  public static let untrustedRoot = ChainRefusal(rawValue: X509_V_ERR_SELF_SIGNED_CERT_IN_CHAIN)
  /// A signature in the chain is not its issuer's.
  public static let badSignature = ChainRefusal(rawValue: X509_V_ERR_CERT_SIGNATURE_FAILURE)
  /// The leaf is not for this name.
  public static let wrongName = ChainRefusal(rawValue: X509_V_ERR_HOSTNAME_MISMATCH)
  /// The leaf is not for this address.
  public static let wrongAddress = ChainRefusal(rawValue: X509_V_ERR_IP_ADDRESS_MISMATCH)
  /// The leaf is not for TLS servers.
  public static let wrongPurpose = ChainRefusal(rawValue: X509_V_ERR_INVALID_PURPOSE)
  /// The roots could not be read, or OpenSSL failed.
  public static let unspecified = ChainRefusal(rawValue: X509_V_ERR_UNSPECIFIED)

  /// OpenSSL's words.
  public var text: String { String(cString: X509_verify_cert_error_string(Int(rawValue))) }
}

/// What was found out about a chain.
public enum ChainVerdict: Sendable, Hashable {
  /// It leads from the leaf to a trusted root, valid at that instant, for that name.
  case complete
  /// It does not. `depth` is 0 for the leaf.
  case refused(ChainRefusal, depth: Int)
}

extension X509Certificate {
  /// Whether a TLS client that has `trust` and is given `intermediates` would believe this certificate at that instant.
  ///
  /// libcurl gives the served chain only with its own verification off, so this is where served chains are judged.
  /// - Parameter serverName: The name asked for, or `nil` to leave names alone. A wildcard covers one whole label.
  public func verdict(
    intermediates: [X509Certificate], trust: TrustAnchors, at now: Date, serverName: String?
  ) throws(PKIError) -> ChainVerdict {
    ERR_clear_error()
    let store = try Handle(X509_STORE_new(), X509_STORE_free, or: .fromQueue(doing: "verify"))
    try trust.load(into: store.pointer)
    let leaf = try CertificateHandle(der: der)
    let untrusted = try Handle(
      certfleet_x509_stack(), freeStack, or: .fromQueue(doing: "verify"))
    for certificate in intermediates {
      let one = try CertificateHandle(der: certificate.der)
      guard certfleet_x509_push(untrusted.pointer, one.pointer) != 0 else { throw PKIError.fromQueue(doing: "verify") }
    }
    let context = try Handle(X509_STORE_CTX_new(), X509_STORE_CTX_free, or: .fromQueue(doing: "verify"))
    guard X509_STORE_CTX_init(context.pointer, store.pointer, leaf.pointer, untrusted.pointer) == 1 else {
      throw PKIError.fromQueue(doing: "verify")
    }
    let parameters = X509_STORE_CTX_get0_param(context.pointer)
    X509_VERIFY_PARAM_set_time(parameters, Int(now.timeIntervalSince1970.rounded(.down)))
    guard X509_VERIFY_PARAM_set_purpose(parameters, X509_PURPOSE_SSL_SERVER) == 1 else {
      throw PKIError.fromQueue(doing: "verify")
    }
    if let serverName {
      X509_VERIFY_PARAM_set_hostflags(parameters, UInt32(X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS))
      // Length 0 would mean "measure it", and an embedded NUL is refused by OpenSSL.
      let accepted =
        IPAddress.bytes(serverName).map { X509_VERIFY_PARAM_set1_ip(parameters, $0, $0.count) }
        ?? (serverName.isEmpty
          ? 0 : X509_VERIFY_PARAM_set1_host(parameters, serverName, serverName.utf8.count))
      guard accepted == 1 else { return .refused(.wrongName, depth: 0) }
    }
    let isComplete = X509_verify_cert(context.pointer) == 1
    let code = ChainRefusal(rawValue: X509_STORE_CTX_get_error(context.pointer))
    let depth = Int(X509_STORE_CTX_get_error_depth(context.pointer))
    ERR_clear_error()
    if isComplete { return .complete }
    return .refused(code.rawValue == X509_V_OK ? .unspecified : code, depth: depth)
  }

  /// Whether each certificate is issued and signed by the next: RFC 8446 section 4.4.2 lets clients demand that order.
  public static func isOrderedChain(_ chain: [X509Certificate]) throws(PKIError) -> Bool {
    for (certificate, above) in zip(chain, chain.dropFirst()) {
      let subject = try CertificateHandle(der: certificate.der)
      let issuer = try CertificateHandle(der: above.der)
      defer { ERR_clear_error() }
      guard X509_check_issued(issuer.pointer, subject.pointer) == X509_V_OK,
        X509_verify(subject.pointer, X509_get0_pubkey(issuer.pointer)) == 1
      else { return false }
    }
    return !chain.isEmpty
  }
}

extension TrustAnchors {
  fileprivate func load(into store: OpaquePointer) throws(PKIError) {
    switch self {
    case .system:
      guard X509_STORE_set_default_paths(store) == 1 else { throw PKIError.fromQueue(doing: "read the system's roots") }
    case .bundle(let path):
      guard X509_STORE_load_file(store, path) == 1 else {
        ERR_clear_error()
        throw .malformed("no roots in \(path)")
      }
    case .certificates(let roots):
      for root in roots {
        let one = try CertificateHandle(der: root.der)
        guard X509_STORE_add_cert(store, one.pointer) == 1 else { throw PKIError.fromQueue(doing: "add a root") }
      }
    }
  }
}

private func freeStack(_ stack: OpaquePointer?) { certfleet_x509_stack_free(stack) }
