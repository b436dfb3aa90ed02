import CCurl

/// Looks at the certificate that a server serves for a name: a TLS handshake with SNI, and nothing after it.
///
/// Every look is a handshake of its own, without a connection or a TLS session from before: a resumed session brings back
/// the certificate of the first handshake, so a reload would not be seen. Hundreds of looks may be under way at once.
public struct CertificateProbe: Sendable {
  private let loop: CurlLoop

  /// A probe that shares the loop's thread, not its connections.
  public init(loop: CurlLoop) { self.loop = loop }

  /// The kind of key that the server's certificate must have: a listener may hold one of each for a name.
  public enum KeyKind: String, Sendable {
    case rsa = "RSA"
    case ecdsa = "ECDSA"

    /// Up to TLS 1.2 the cipher suite names the kind; a listener that speaks 1.3 alone does not answer.
    fileprivate var ciphers: String { self == .rsa ? "aRSA:@SECLEVEL=0" : "aECDSA:@SECLEVEL=0" }
  }

  /// The chain that the server at this address serves for this name, or to those who name none, and to those who take this kind of key alone,
  /// if one is given.
  ///
  /// Whether the chain is good is for the caller to say: libcurl fills in what was served only when it does not verify.
  public func chain(
    servedAt host: String, port: UInt16, serverName: String?, keyKind: KeyKind? = nil, deadline: Duration
  ) async throws(NetError) -> ServedCertificate {
    let target = try WireText.host(host, as: "the address to look at")
    // libcurl names no server whose URL has an address.
    let name = if let serverName { try WireText.host(serverName, as: "the server's name") } else { target }
    let result = try await loop.run(
      TransferPlan(
        deadline: deadline, connectDeadline: deadline,
        prepare: { (easy) throws(NetError) in
          try easy.set(CURLOPT_URL, "https://\(name):\(port)/")
          try easy.set(CURLOPT_CONNECT_TO, list: ["::\(target):\(port)"])
          try easy.set(CURLOPT_PROXY, "")
          try easy.set(CURLOPT_CONNECT_ONLY, 1)
          try easy.set(CURLOPT_CERTINFO, 1)
          try easy.set(.unverified)
          try easy.set(CURLOPT_SSL_SESSIONID_CACHE, 0)
          try easy.set(CURLOPT_FRESH_CONNECT, 1)
          try easy.set(CURLOPT_FORBID_REUSE, 1)
          // What an old appliance serves is to be seen too; nothing secret is sent over this connection.
          let newest = keyKind == nil ? 0 : Int(CURL_SSLVERSION_TLSv1_2) << 16
          try easy.set(CURLOPT_SSLVERSION, Int(CURL_SSLVERSION_TLSv1_0) | newest)
          try easy.set(CURLOPT_SSL_CIPHER_LIST, keyKind?.ciphers ?? "ALL:@SECLEVEL=0")
        }))
    guard !result.certificates.isEmpty else {
      throw NetError(.tls("the server sent no certificate"), "the server sent no certificate")
    }
    return ServedCertificate(
      chainPEM: result.certificates, remoteAddress: result.remoteAddress, handshake: result.handshake)
  }
}
