import ACME
import Fleet
import Foundation
import Journal
import Net
import PKI

/// Opens the way to the CA: account key, directory, account.
struct AuthorityDesk: Sendable {
  let inventory: Inventory
  let http: HTTPClient
  let recorder: Recorder
  let requests: RequestDesk
  let clock: any TimeSource

  /// The CA as a run sees it.
  struct Opened: Sendable {
    /// The client; `ClosedAuthority` where there is none.
    var authority: any CertificateAuthority
    /// The thumbprint of our key (RFC 7638).
    var thumbprint: String
    /// Why the CA cannot be asked.
    var failure: Failure?
    /// Who we are in the words of CAA.
    var issuer = CAAIssuer(identities: [], account: nil)
  }

  /// Tries, with a wait of 2 and 8 seconds between, before a run goes on without the CA.
  private static let waits: [Double] = [2, 8]

  /// Opens the default authority, registering the account on first use.
  ///
  /// - Parameter isNeeded: A run without work asks nothing of the CA.
  func open(
    _ state: FleetState, isNeeded: Bool, ledger: inout Ledger
  ) async throws(JournalError) -> Opened {
    let settings = inventory.authorities[0]
    let key: SigningKey
    do throws(CommandFault) {
      key = try AccountKeys(state: inventory.state).key(of: settings)
    } catch {
      let failure = Failure(.accountGone, error.text)
      return Opened(authority: ClosedAuthority(failure), thumbprint: "", failure: failure)
    }
    guard isNeeded else {
      let failure = Failure(.interrupted, "no order was planned")
      return Opened(authority: ClosedAuthority(failure), thumbprint: key.thumbprint, failure: nil)
    }
    let known = state.accounts[settings.id].flatMap { $0.thumbprint == key.thumbprint ? $0.url : nil }
    let external: ExternalAccount?
    do throws(CommandFault) {
      // Before anything is sent: a variable that is not set stays so however often the CA is asked.
      external = known == nil ? try externalAccount() : nil
    } catch {
      let failure = Failure(.accountGone, error.text)
      return Opened(authority: ClosedAuthority(failure), thumbprint: key.thumbprint, failure: failure)
    }
    var tries = 0
    while true {
      do throws(Interruption) {
        let client = try await client(settings, key, known, external, &ledger)
        return Opened(
          authority: client, thumbprint: key.thumbprint, failure: nil,
          issuer: CAAIssuer(
            of: settings, told: client.server.directory.caaIdentities, account: client.accountURL))
      } catch {
        switch error {
        case .journal(let fault): throw fault
        case .failed(let failure), .left(let failure):
          guard failure.kind.retry == .whenAllowed, failure.kind != .rateLimited, tries < Self.waits.count else {
            return Opened(authority: ClosedAuthority(failure), thumbprint: key.thumbprint, failure: failure)
          }
          await clock.sleep(until: clock.now + Self.waits[tries])
          tries += 1
        }
      }
    }
  }

  private func client(
    _ settings: Authority, _ key: SigningKey, _ known: String?, _ external: ExternalAccount?, _ ledger: inout Ledger
  ) async throws(Interruption) -> ACMEClient {
    let server: ACMEServer
    do throws(ACMEError) {
      server = try await ACMEServer.connect(to: settings.directory, over: link(settings))
    } catch {
      throw .failed(Failure(error, at: clock.now))
    }
    await requests.learn(server.directory)
    // Whose clock is wrong takes two answers to say.
    if await requests.isDoubtful {
      do throws(ACMEError) {
        _ = try await ACMEServer.connect(to: settings.directory, over: link(settings))
      } catch {
        throw .failed(Failure(error, at: clock.now))
      }
    }
    if let known { return ACMEClient(server: server, accountURL: known, key: key) }
    try await spend(settings, &ledger)
    let url: String
    do throws(ACMEError) {
      url = try await server.register(key: key, contact: settings.contact, externalAccount: external).url
    } catch {
      throw .failed(Failure(error, at: clock.now))
    }
    do throws(JournalError) {
      try await recorder.record(.accountRegistered(authority: settings.id, url: url, thumbprint: key.thumbprint))
    } catch {
      throw .journal(error)
    }
    return ACMEClient(server: server, accountURL: url, key: key)
  }

  /// Counts the account that is about to be asked for; beyond the limit nothing is sent.
  private func spend(_ settings: Authority, _ ledger: inout Ledger) async throws(Interruption) {
    let overIPv6 = await requests.isOverIPv6
    let now = clock.now
    if case .wait(let until, let key) = ledger.decideAccount(settings.id, overIPv6: overIPv6, at: now) {
      let detail = "no account is asked for before \(Wording.minute(until)) UTC: \(key.limit.title)"
      throw .failed(Failure(.rateLimited, detail, retryAfter: until))
    }
    let rows = ledger.accountRequested(settings.id, overIPv6: overIPv6, at: now)
    do throws(JournalError) {
      try await recorder.record([], buckets: rows)
    } catch {
      throw .journal(error)
    }
  }

  private func link(_ settings: Authority) -> ACMEServer.Link {
    let http = self.http
    let transport = requests.transport { (request) async throws(NetError) -> HTTPResponse in
      try await http.send(request)
    }
    return ACMEServer.Link(
      transport: transport, trust: settings.trust.map { .bundle($0) } ?? .system,
      userAgent: "certfleet/\(Libraries.own)")
  }

  /// What the CA gave us to bind a new account to an old one (RFC 8555 section 7.3.4); nil where it wants none.
  func externalAccount() throws(CommandFault) -> ExternalAccount? {
    guard let eab = inventory.authorities[0].eab else { return nil }
    let text = try Secrets.read(eab.macKey)
    guard let account = ExternalAccount(keyID: eab.keyID, macKeyText: PKISecret(text)) else {
      throw .badInput("the EAB key that the inventory names is no base64url; copy it anew from the CA's page")
    }
    return account
  }
}

/// A CA that cannot be asked: every question has the same answer.
struct ClosedAuthority: CertificateAuthority {
  private let reason: String

  init(_ failure: Failure) { reason = failure.detail }

  private var closed: ACMEError { ACMEError(.malformed(reason), url: "") }

  func newOrder(_ names: [String], profile: String?, replaces: String?) async throws(ACMEError) -> Order {
    throw closed
  }
  func order(at url: String) async throws(ACMEError) -> Order { throw closed }
  func authorization(at url: String) async throws(ACMEError) -> Authorization { throw closed }
  func respond(to challenge: Challenge) async throws(ACMEError) -> Challenge { throw closed }
  func finalize(_ order: Order, csr der: [UInt8]) async throws(ACMEError) -> Order { throw closed }
  func certificate(of order: Order, preferredRoot: String?) async throws(ACMEError) -> [String] { throw closed }
}
