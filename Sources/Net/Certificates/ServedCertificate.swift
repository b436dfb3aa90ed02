/// What a server sent in a TLS handshake, unverified.
public struct ServedCertificate: Sendable, Equatable {
  /// The chain in PEM, leaf first, in the order and number in which it was served.
  public let chainPEM: [String]
  /// The address that answered, without a port.
  public let remoteAddress: String
  /// How long it took, from connecting until the handshake was done.
  public let handshake: Duration
}
