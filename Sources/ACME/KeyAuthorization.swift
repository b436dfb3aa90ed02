import PKI

/// What proves a name (RFC 8555 section 8.1): the token, a dot, the thumbprint of the account's key.
public struct KeyAuthorization: Sendable, Hashable, CustomStringConvertible {
  /// The token, made of `A-Z a-z 0-9 - _` alone.
  public let token: String
  /// The account's key, by RFC 7638.
  public let thumbprint: String

  /// - Returns: `nil` for a token outside its alphabet: it becomes a path and a file name, and section 8.3 demands the check.
  public init?(token: String, thumbprint: String) {
    // Section 8.3 wants 128 bits of entropy, so 22 characters; shorter tokens are the CA's risk. 255 is the longest file name.
    guard (1...255).contains(token.utf8.count), token.utf8.allSatisfy(Self.isInAlphabet) else { return nil }
    self.token = token
    self.thumbprint = thumbprint
  }

  /// The body of the http-01 answer.
  public var description: String { token + "." + thumbprint }

  /// The path that http-01 is fetched from.
  public var path: String { Self.pathPrefix + token }

  /// Where all http-01 answers lie.
  public static let pathPrefix = "/.well-known/acme-challenge/"

  /// The text of the TXT record of dns-01 (section 8.4).
  public var dnsText: String { Base64URL.encode(sha256(description.utf8)) }

  private static func isInAlphabet(_ byte: UInt8) -> Bool {
    switch byte {
    case UInt8(ascii: "A")...UInt8(ascii: "Z"), UInt8(ascii: "a")...UInt8(ascii: "z"),
      UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "-"), UInt8(ascii: "_"):
      true
    default: false
    }
  }
}
