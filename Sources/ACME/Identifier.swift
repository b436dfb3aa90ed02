import Foundation

/// What a certificate is for (RFC 8555 section 9.7.7, RFC 8738).
public struct Identifier: Sendable, Hashable, Codable {
  /// `dns` or `ip`; open.
  public let type: String
  /// The name in lower-case A-labels, or the address.
  public let value: String

  /// Any identifier.
  public init(type: String, value: String) {
    self.type = type
    self.value = value
  }

  /// The identifier for a name: `ip` for an address, else `dns`.
  public init(name: String) {
    var address = in6_addr()
    let isAddress = inet_pton(AF_INET, name, &address) == 1 || inet_pton(AF_INET6, name, &address) == 1
    self.init(type: isAddress ? "ip" : "dns", value: name)
  }
}
