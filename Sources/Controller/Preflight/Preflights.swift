import ACME
import Fleet
import Foundation
import Journal
import Net
import PKI

extension CAAIssuer {
  /// By what the authority's directory tells, else by what is known of it.
  init(of authority: Authority, told: [String], account: String?) {
    let host = URL(string: authority.directory)?.host() ?? ""
    let identities = told.isEmpty ? CAAIssuer.knownIdentities(ofDirectoryHost: host) : told
    self.init(identities: identities, account: account, isTold: !told.isEmpty)
  }
}

extension Workplace {
  /// Looks at every name that is to be issued or renewed, and keeps what was found: `plan --preflight`.
  ///
  /// - Parameter progress: told how many names are done, of how many.
  public func lookAhead(
    customer: String?, pair: String?, progress: @escaping @Sendable (Int, Int) -> Void
  ) async throws(CommandFault) {
    let (state, _, _) = try await wantedState(at: clock.now)
    let chosen = Planner.plan(state, inventory: inventory, at: clock.now).changes.compactMap { change in
      switch (change.action, change.reason) {
      case (.issue, _), (.renew, _), (.blocked, .waiting): state.certificates[change.spec]
      case (.redeploy, _), (.keep, _), (.blocked, _): nil
      }
    }.filter { certificate in
      (customer == nil || certificate.spec.customer?.rawValue == customer)
        && (pair == nil || certificate.spec.pair.rawValue == pair)
    }
    let loop = CurlLoop()
    defer { loop.shutdown() }
    let http = HTTPClient(loop: loop)
    let survey = try preflightSurvey(http, state, issuer: await issuer(http, state))
    _ = try await journaled { () async throws(JournalError) in
      try await survey.look(at: chosen.flatMap { subjects(of: $0) }, progress: progress)
    }
  }

  /// Looks with the account's thumbprint, and keeps what it finds.
  func preflightSurvey(
    _ http: HTTPClient, _ state: FleetState, issuer: CAAIssuer
  ) throws(CommandFault) -> PreflightSurvey {
    let thumbprint = try AccountKeys(state: inventory.state).key(of: inventory.authorities[0]).thumbprint
    let preflight = Preflight(
      http: http, resolvers: inventory.resolvers, thumbprint: thumbprint, inventory: inventory, issuer: issuer,
      clock: clock)
    return PreflightSurvey(preflight: preflight, journal: journal, clock: clock)
  }

  /// How CAA records name the CA that is asked: by what its directory says, else by what is known of it.
  func issuer(_ http: HTTPClient, _ state: FleetState) async -> CAAIssuer {
    let authority = inventory.authorities[0]
    let account = state.accounts[authority.id]?.url
    do throws(ACMEError) {
      let link = ACMEServer.Link(
        http: http, trust: authority.trust.map { .bundle($0) } ?? .system, userAgent: "certfleet/\(Libraries.own)",
        deadline: .seconds(10))
      let told = try await ACMEServer.connect(to: authority.directory, over: link).directory.caaIdentities
      return CAAIssuer(of: authority, told: told, account: account)
    } catch {
      // What CAA says can be read without the CA; only whom it means is then a guess.
      return CAAIssuer(of: authority, told: [], account: account)
    }
  }

  /// The names of a certificate, each with what its pair was told of it.
  func subjects(of certificate: CertificateState, isAllowed: Bool? = nil) -> [Preflight.Subject] {
    let spec = certificate.spec
    guard let node = inventory.pairs.first(where: { $0.id == spec.pair })?.nodes.first else { return [] }
    // An order for these very names was tried, so the pair was told of them.
    let wasTold = [certificate.issuedRevision, certificate.attemptRevision].contains(certificate.revision)
    return spec.names.names.map { name in
      Preflight.Subject(
        name: name, vip: spec.vipReference, customer: spec.customer, method: node.challenge,
        isAllowed: isAllowed ?? wasTold)
    }
  }
}
