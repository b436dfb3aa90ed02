import Foundation
import Net
public import PKI

/// One account at one CA (RFC 8555). Any number of tasks may use it at once.
///
/// It retries nothing but refused nonces; everything else is told to the caller with the time that the CA asked for.
public struct ACMEClient: CertificateAuthority {
  /// The CA.
  public let server: ACMEServer
  /// The account's URL.
  public let accountURL: String
  /// What http-01 answers end with.
  public var thumbprint: String { key.thumbprint }

  let key: SigningKey

  /// - Parameter accountURL: From `Account.url`, of `register` or of an earlier run.
  public init(server: ACMEServer, accountURL: String, key: SigningKey) {
    self.server = server
    self.accountURL = accountURL
    self.key = key
  }

  /// Asks for a certificate.
  public func newOrder(_ names: [String], profile: String?, replaces: String?) async throws(ACMEError) -> Order {
    let url = server.directory.newOrder
    let body = NewOrder(identifiers: names.map(Identifier.init(name:)), profile: profile, replaces: replaces)
    let payload = Array(try JSONText.encode(body).utf8)
    let response = try await during(.ordering) { () async throws(ACMEError) in try await post(payload, to: url) }
    guard let location = response.header("Location") else {
      throw ACMEError(.malformed("newOrder gave no order URL"), url: url)
    }
    let wire = try ACMEAnswer.decode(Order.Wire.self, response, url: url)
    return try Order(
      wire, url: try ServerURL.resolve(location, against: url), retryAfter: ACMEAnswer.retryAfter(response))
  }

  /// Where an order stands.
  public func order(at url: String) async throws(ACMEError) -> Order {
    let response = try await post(nil, to: url)
    let wire = try ACMEAnswer.decode(Order.Wire.self, response, url: url)
    return try Order(wire, url: url, retryAfter: ACMEAnswer.retryAfter(response))
  }

  /// An authorization with its challenges.
  public func authorization(at url: String) async throws(ACMEError) -> Authorization {
    let response = try await during(.authorizing) { () async throws(ACMEError) in try await post(nil, to: url) }
    let wire = try ACMEAnswer.decode(Authorization.Wire.self, response, url: url)
    return try Authorization(wire, url: url, retryAfter: ACMEAnswer.retryAfter(response))
  }

  /// Says that a proof is in place.
  public func respond(to challenge: Challenge) async throws(ACMEError) -> Challenge {
    do throws(ACMEError) {
      // `{}`, not the empty payload of a POST-as-GET, is what starts the validation (RFC 8555 section 7.5.1).
      return try await self.challenge(posting: Array("{}".utf8), to: challenge.url)
    } catch {
      // After a lost answer the CA may be looking already, or be done: Boulder says `conflict`, Pebble `malformed`.
      guard case .problem(let problem, _) = error.kind, problem.type == .conflict || problem.type == .malformed else {
        throw error
      }
      let found = try await self.challenge(posting: nil, to: challenge.url)
      guard problem.type == .conflict || found.status != .pending else { throw error }
      return found
    }
  }

  private func challenge(posting payload: [UInt8]?, to url: String) async throws(ACMEError) -> Challenge {
    let response = try await post(payload, to: url)
    return try Challenge(try ACMEAnswer.decode(Challenge.Wire.self, response, url: url), base: url)
  }

  /// Sends the CSR. The answer keeps the order's URL: Pebble 2.9 and others send no Location here.
  public func finalize(_ order: Order, csr der: [UInt8]) async throws(ACMEError) -> Order {
    guard let url = order.finalize else {
      throw ACMEError(.malformed("the order names no finalize URL"), url: order.url)
    }
    let response = try await post(Array(#"{"csr":"\#(Base64URL.encode(der))"}"#.utf8), to: url)
    let wire = try ACMEAnswer.decode(Order.Wire.self, response, url: url)
    return try Order(wire, url: order.url, retryAfter: ACMEAnswer.retryAfter(response)).following(order)
  }

  /// The certificates in PEM, leaf first.
  public func certificate(of order: Order, preferredRoot: String?) async throws(ACMEError) -> [String] {
    guard let url = order.certificate else {
      throw ACMEError(.malformed("the order names no certificate URL"), url: order.url)
    }
    let (chain, alternates) = try await chain(at: url)
    guard let preferredRoot, !Self.ends(chain, under: preferredRoot) else { return chain.map(\.pem) }
    for alternate in alternates.prefix(Self.longestListOfAlternates) {
      let (other, _) = try await self.chain(at: alternate)
      if Self.ends(other, under: preferredRoot) { return other.map(\.pem) }
    }
    return chain.map(\.pem)
  }

  /// Let's Encrypt offers one to three; a list without end is no reason to ask without end.
  private static let longestListOfAlternates = 8

  /// Bytes of a downloaded chain. Ours have 3 to 8 KB; what a load balancer would have to send in each handshake must stay small.
  private static let largestChain = 65_536

  private static func ends(_ chain: [X509Certificate], under root: String) -> Bool {
    chain.last?.issuerCommonNames.contains(root) ?? false
  }

  private func chain(at url: String) async throws(ACMEError) -> ([X509Certificate], alternates: [String]) {
    let response = try await post(nil, to: url)
    guard response.body.count <= Self.largestChain else {
      throw ACMEError(.malformed("the certificate has \(response.body.count) bytes"), url: url)
    }
    let chain: [X509Certificate]
    do throws(PKIError) {
      chain = try X509Certificate.chain(pem: String(decoding: response.body, as: UTF8.self))
    } catch {
      throw ACMEError(.malformed("the certificate \(error.text)"), url: url)
    }
    guard !chain.isEmpty else {
      throw ACMEError(.malformed("no certificate: \(ACMEAnswer.excerpt(response.body))"), url: url)
    }
    var alternates: [String] = []
    for target in LinkHeader.targets(response.headers(named: "Link"), relation: "alternate") {
      alternates.append(try ServerURL.resolve(target, against: url))
    }
    return (chain, alternates)
  }

  private func during(
    _ phase: PhaseGate.Phase, _ body: () async throws(ACMEError) -> HTTPResponse
  ) async throws(ACMEError) -> HTTPResponse {
    guard let gate = server.gate else { return try await body() }
    return try await gate.during(phase, body)
  }

  private struct NewOrder: Encodable {
    let identifiers: [Identifier]
    let profile: String?
    let replaces: String?
  }
}

// The account itself.
extension ACMEClient {
  /// The account as the CA sees it.
  ///
  /// - Throws: `.accountDoesNotExist` or `.accountDeactivated` where that is so.
  public func account() async throws(ACMEError) -> Account {
    let account = try await readAccount()
    guard account.status != .deactivated, account.status != .revoked else {
      let problem = Problem(type: .unauthorized, detail: "the account is \(account.status.rawValue)")
      throw ACMEError(.accountDeactivated(problem), url: accountURL)
    }
    return account
  }

  /// Gives the account up, for good (RFC 8555 section 7.3.6).
  public func deactivateAccount() async throws(ACMEError) -> Account {
    try await account(posting: Array(#"{"status":"deactivated"}"#.utf8))
  }

  private func readAccount() async throws(ACMEError) -> Account {
    do throws(ACMEError) {
      return try await account(posting: nil)
    } catch {
      throw Self.accountIsMeant(by: error) ? Self.deactivated(error) : error
    }
  }

  private func account(posting payload: [UInt8]?) async throws(ACMEError) -> Account {
    let response = try await server.post(payload, to: accountURL, key: key, reference: .keyID(accountURL))
    let wire = try ACMEAnswer.decode(Account.Wire.self, response, url: accountURL)
    return Account(url: accountURL, status: wire.status, contact: wire.contact)
  }

  /// Every request of this account. `unauthorized` means "not yours" or "your account is off" (RFC 8555 section 7.3.6): the account is asked
  /// which, for the one fails a name and the other the whole run.
  func post(_ payload: [UInt8]?, to url: String) async throws(ACMEError) -> HTTPResponse {
    do throws(ACMEError) {
      return try await server.post(payload, to: url, key: key, reference: .keyID(accountURL))
    } catch {
      guard Self.accountIsMeant(by: error) else { throw error }
      do throws(ACMEError) {
        _ = try await account()
      } catch let found {
        if case .accountDeactivated = found.kind { throw Self.deactivated(error) }
        if case .accountDoesNotExist = found.kind { throw found }
      }
      throw error
    }
  }

  private static func accountIsMeant(by error: ACMEError) -> Bool {
    if case .problem(let problem, _) = error.kind { problem.type == .unauthorized } else { false }
  }

  private static func deactivated(_ error: ACMEError) -> ACMEError {
    guard let problem = error.problem else { return error }
    return ACMEError(.accountDeactivated(problem), url: error.url, retryAfter: error.retryAfter)
  }
}
