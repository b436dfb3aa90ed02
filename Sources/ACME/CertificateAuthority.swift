/// A CA as an order needs it. Behind it: `ACMEClient`, and a scripted CA for what no test server can be made to do.
///
/// Implementations MUST be usable from many tasks at once, MUST keep `Order.url` through every answer, and SHOULD NOT retry what the CA refused:
/// when to try again is the caller's to decide.
public protocol CertificateAuthority: Sendable {
  /// Asks for a certificate. The answer may be `ready` at once, or an order that already exists.
  ///
  /// After a `.transport` error it is not known whether an order was made. `replaces` MUST be sent only to a CA with renewal information.
  func newOrder(_ names: [String], profile: String?, replaces: String?) async throws(ACMEError) -> Order

  /// Where an order stands.
  func order(at url: String) async throws(ACMEError) -> Order

  /// An authorization with its challenges.
  func authorization(at url: String) async throws(ACMEError) -> Authorization

  /// Says that a proof is in place. MAY be called again after a lost answer: a CA that is already looking is no error.
  func respond(to challenge: Challenge) async throws(ACMEError) -> Challenge

  /// Sends the CSR. MUST be called at most once for an order; after an error the order is asked instead.
  func finalize(_ order: Order, csr der: [UInt8]) async throws(ACMEError) -> Order

  /// The certificates in PEM, leaf first. MAY be asked again after an error: the order stays valid.
  ///
  /// - Parameter preferredRoot: Common name of the root to end under; the default chain where the CA offers none such.
  func certificate(of order: Order, preferredRoot: String?) async throws(ACMEError) -> [String]
}
