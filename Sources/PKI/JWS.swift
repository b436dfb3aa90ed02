/// Signed ACME requests: flattened JSON serialisation (RFC 7515 section 7.2.2, RFC 8555 section 6.2).
public enum JWS {
  /// How the server finds the key.
  public enum KeyReference: Sendable, Hashable {
    /// The whole public key: newAccount, and revocation by a certificate's key.
    case jwk
    /// The account's URL: everything else.
    case keyID(String)
  }

  /// A signed request.
  ///
  /// - Parameters:
  ///   - payload: `nil` makes a POST-as-GET: the empty string, which is not `{}`.
  ///   - url: MUST be the very text the request is sent to.
  ///   - nonce: `nil` only for the inner object of a key roll-over.
  public static func sign(
    payload: [UInt8]?, url: String, nonce: String?, key: SigningKey, reference: KeyReference
  ) throws(PKIError) -> [UInt8] {
    var header = #"{"alg":"\#(key.jwsAlgorithm)""#
    switch reference {
    case .jwk: header += #","jwk":\#(key.publicJWK)"#
    case .keyID(let url): header += #","kid":\#(quoted(url))"#
    }
    if let nonce { header += #","nonce":\#(quoted(nonce))"# }
    header += #","url":\#(quoted(url))}"#
    let protected = Base64URL.encode(header.utf8)
    let body = Base64URL.encode(payload ?? [])
    let signature = try key.signature(over: Array((protected + "." + body).utf8))
    return flattened(protected, body, signature)
  }

  /// The object that ties a new account to one that the CA knows (RFC 8555 section 7.3.4): HS256 over the account's public key.
  public static func externalAccountBinding(
    keyID: String, macKey: PKISecret, url: String, accountKey: SigningKey
  ) -> [UInt8] {
    let header = #"{"alg":"HS256","kid":\#(quoted(keyID)),"url":\#(quoted(url))}"#
    let protected = Base64URL.encode(header.utf8)
    let payload = Base64URL.encode(accountKey.publicJWK.utf8)
    let signature = hmacSHA256((protected + "." + payload).utf8, key: macKey)
    return flattened(protected, payload, signature)
  }

  private static func flattened(_ protected: String, _ payload: String, _ signature: [UInt8]) -> [UInt8] {
    let signature = Base64URL.encode(signature)
    return Array(#"{"protected":"\#(protected)","payload":"\#(payload)","signature":"\#(signature)"}"#.utf8)
  }

  /// A JSON string (RFC 8259 section 7). Slashes stay: `url` is compared byte for byte once decoded, and reads better so.
  static func quoted(_ text: String) -> String {
    var output = "\""
    for scalar in text.unicodeScalars {
      switch scalar {
      case "\"": output += "\\\""
      case "\\": output += "\\\\"
      case _ where scalar.value < 0x20:
        let digits = String(scalar.value, radix: 16)
        output += "\\u" + String(repeating: "0", count: 4 - digits.count) + digits
      default: output.unicodeScalars.append(scalar)
      }
    }
    return output + "\""
  }
}
