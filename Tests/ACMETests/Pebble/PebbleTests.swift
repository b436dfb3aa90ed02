import ACME
import Foundation
import Net
import PKI
import Testing

/// The client against a real server, strict and in bad mood.
@Suite(.enabled(if: Pebble.mayRun, Comment(rawValue: Pebble.skipReason)), .timeLimit(.minutes(3)))
struct PebbleTests {
  @Test func aNameIsProvedOverHTTPAndItsCertificateIsForOurKey() async throws {
    let pebble = try await Pebble.start(.init(alwaysValid: false))
    let client = try await pebble.client()
    let key = try SigningKey.generate(.ecdsaP256)
    let issue = Issue(ca: client) { authorization in
      let challenge = try #require(authorization.challenge(.http01))
      let proof = KeyAuthorization(token: challenge.token ?? "", thumbprint: client.thumbprint)
      try await pebble.present(try #require(proof))
      return challenge
    }

    let (chain, order) = try await issue.run(["a.example.com", "b.example.com"], key: key)

    let certificates = try chain.map { try X509Certificate(pem: $0) }
    let leaf = try #require(certificates.first)
    #expect(order.status == .valid)
    #expect(leaf.publicKeySHA256 == key.publicKeySHA256)
    #expect(Set(leaf.dnsNames) == ["a.example.com", "b.example.com"])
    #expect(certificates.count == 2)
    #expect(try X509Certificate.isOrderedChain(certificates))
    #expect(leaf.ariCertID != nil)
  }

  @Test func aWildcardIsProvedOverDNS() async throws {
    let pebble = try await Pebble.start(.init(alwaysValid: false))
    let client = try await pebble.client()
    let issue = Issue(ca: client) { authorization in
      #expect(authorization.name == "*.example.com")
      let challenge = try #require(authorization.challenge(.dns01))
      let proof = KeyAuthorization(token: challenge.token ?? "", thumbprint: client.thumbprint)
      try await pebble.present(try #require(proof), dnsFor: authorization.identifier.value)
      return challenge
    }

    let (chain, _) = try await issue.run(["*.example.com"], key: try .generate(.rsa(bits: 2_048)))

    #expect(try X509Certificate(pem: chain[0]).dnsNames == ["*.example.com"])
  }

  @Test func aNameWhoseProofIsMissingFailsWithItsReason() async throws {
    let pebble = try await Pebble.start(.init(alwaysValid: false))
    let client = try await pebble.client()
    let issue = Issue(ca: client) { $0.challenge(.http01) }

    do {
      _ = try await issue.run(["absent.example.com"], key: try .generate(.ecdsaP256))
      Issue.unexpectedSuccess()
    } catch let refused as Issue.Refused {
      let authorization = try #require(refused.authorizations.first)
      #expect(authorization.status == .invalid)
      #expect(authorization.error?.type == .unauthorized)
      #expect(authorization.error?.detail.contains("did not match") ?? false)
    }
  }

  @Test func noneOfEightyCertificatesIsLostWhenHalfOfAllNoncesAreRefused() async throws {
    let pebble = try await Pebble.start(.init(nonceReject: 50))
    let counter = RequestCounter()
    let client = try await pebble.client(counter: counter)
    let key = try SigningKey.generate(.ecdsaP256)

    // Eight at once, where an ungated client makes Pebble hang for ever.
    let issued = try await withThrowingTaskGroup(of: [String].self) { group in
      for worker in 0..<8 {
        group.addTask {
          let issue = Issue(ca: client) { $0.challenge(.http01) }
          var names: [String] = []
          for number in 0..<10 {
            let (chain, _) = try await issue.run(["n\(number).w\(worker).example.com"], key: key)
            names += try X509Certificate(pem: chain[0]).dnsNames
          }
          return names
        }
      }
      return try await group.reduce(into: Set<String>()) { $0.formUnion($1) }
    }

    #expect(issued.count == 80)
    #expect(await counter.nonces <= 9, "nonces come from answers")
  }

  @Test func aCertificateCostsFiveRequestsAndAFewPolls() async throws {
    let pebble = try await Pebble.start(.init(nonceReject: 0))
    let counter = RequestCounter()
    let client = try await pebble.client(counter: counter)
    let key = try SigningKey.generate(.ecdsaP256)
    let issue = Issue(ca: client) { $0.challenge(.http01) }
    await counter.reset()

    for number in 0..<20 { _ = try await issue.run(["n\(number).example.com"], key: key) }

    // newOrder, authorization, challenge, finalize, certificate.
    let polls = await counter.requests { $0.contains("/my-order/") }
    #expect(await counter.total - polls == 20 * 5)
    #expect(polls >= 20)
    // Two each where the machine is idle; on a busy one finalize may find the certificate made, or a poll come too early.
    #expect(polls <= 20 * 12)
  }

  @Test func aValidAuthorizationIsReusedWithoutAChallenge() async throws {
    let pebble = try await Pebble.start(.init(reuseAuthorizations: 100))
    let client = try await pebble.client()
    let key = try SigningKey.generate(.ecdsaP256)
    _ = try await Issue(ca: client) { $0.challenge(.http01) }.run(["a.example.com"], key: key)

    let again = try await client.newOrder(["a.example.com"], profile: nil, replaces: nil)

    #expect(again.status == .ready)
    #expect(again.next(after: .ordered) == .finalize)
    let second = try await Issue(ca: client) { authorization in
      Issue.unexpectedChallenge(authorization)
      return nil
    }.run(["a.example.com"], key: key)
    #expect(second.order.status == .valid)
  }

  @Test func aChallengeAnsweredTwiceAfterALostAnswerIsNoError() async throws {
    let pebble = try await Pebble.start()
    let client = try await pebble.client()
    let order = try await client.newOrder(["a.example.com"], profile: nil, replaces: nil)
    let authorization = try await client.authorization(at: order.authorizations[0])
    let challenge = try #require(authorization.challenge(.http01))
    _ = try await client.respond(to: challenge)
    let isProved = try await eventually { try await client.order(at: order.url).status == .ready }
    #expect(isProved)

    let again = try await client.respond(to: challenge)

    #expect(again.status == .valid)
  }

  @Test func theChainUnderThePreferredRootIsTaken() async throws {
    let pebble = try await Pebble.start(.init(alternateRoots: 2))
    let client = try await pebble.client()
    let key = try SigningKey.generate(.ecdsaP256)
    let (chain, order) = try await Issue(ca: client) { $0.challenge(.http01) }.run(["a.example.com"], key: key)

    let roots = try await alternateRoots(of: order, client)

    #expect(roots.count == 3)
    #expect(try Self.root(of: chain) == roots[0])
    for root in roots {
      let preferred = try await client.certificate(of: order, preferredRoot: root)
      #expect(try Self.root(of: preferred) == root)
      #expect(try X509Certificate(pem: preferred[0]).publicKeySHA256 == key.publicKeySHA256)
    }
    let unknown = try await client.certificate(of: order, preferredRoot: "No Such Root")
    #expect(try Self.root(of: unknown) == roots[0])
  }

  /// The root names that Pebble offers, found by asking for each alternate as if it were the default.
  private func alternateRoots(of order: Order, _ client: ACMEClient) async throws -> [String] {
    var roots: [String] = []
    for suffix in ["", "/alternate/1", "/alternate/2"] {
      var alternate = order
      alternate.certificate = order.certificate.map { $0 + suffix }
      roots.append(try Self.root(of: try await client.certificate(of: alternate, preferredRoot: nil)))
    }
    return roots
  }

  private static func root(of chain: [String]) throws -> String {
    try #require(try X509Certificate(pem: chain[chain.count - 1]).issuerCommonNames.first)
  }

  // MARK: accounts

  @Test func anAccountIsFoundAgainByItsKeyAlone() async throws {
    let pebble = try await Pebble.start()
    let server = try await ACMEServer.connect(to: pebble.directoryURL, over: pebble.link())
    let key = try SigningKey.generate(.ecdsaP384)

    await #expect(throws: ACMEError.self) { try await server.findAccount(key: key) }
    let made = try await server.register(key: key, contact: ["mailto:ops@example.com"])
    let found = try await server.findAccount(key: key)
    let rsa = try await server.register(key: try .generate(.rsa(bits: 2_048)))
    let again = try await server.register(key: key)

    #expect(made.status == .valid)
    #expect(found.url == made.url)
    #expect(again.url == made.url)
    #expect(rsa.url != made.url)
    #expect(try await ACMEClient(server: server, accountURL: made.url, key: key).account().status == .valid)
  }

  @Test func aLostAccountAndADeactivatedOneAreToldApart() async throws {
    let pebble = try await Pebble.start()
    let server = try await ACMEServer.connect(to: pebble.directoryURL, over: pebble.link())
    let key = try SigningKey.generate(.ecdsaP256)
    let account = try await server.register(key: key)
    let client = ACMEClient(server: server, accountURL: account.url, key: key)
    let lost = ACMEClient(server: server, accountURL: account.url + "0", key: key)

    await #expect {
      try await lost.newOrder(["a.example.com"], profile: nil, replaces: nil)
    } throws: { error in
      if case .accountDoesNotExist = (error as? ACMEError)?.kind { true } else { false }
    }
    #expect(try await client.deactivateAccount().status == .deactivated)
    await #expect {
      try await client.newOrder(["a.example.com"], profile: nil, replaces: nil)
    } throws: { error in
      if case .accountDeactivated = (error as? ACMEError)?.kind { true } else { false }
    }
  }

  @Test func anAccountNeedsItsExternalBindingWhereTheCAWantsOne() async throws {
    let text = "zWNDZM6eQGHWpSRTPal5eIUYFTu7EajVIoguysqZ9wG44nMEtx3MUAsUDkMTQ12W"
    let pebble = try await Pebble.start(.init(externalAccounts: ["kid-1": text]))
    let server = try await ACMEServer.connect(to: pebble.directoryURL, over: pebble.link())
    let key = try SigningKey.generate(.ecdsaP256)
    #expect(server.directory.externalAccountRequired)

    await #expect {
      try await server.register(key: key)
    } throws: { error in
      (error as? ACMEError)?.problem?.type == .externalAccountRequired
    }
    let wrong = try #require(ExternalAccount(keyID: "kid-1", macKeyText: PKISecret("d3Jvbmcga2V5")))
    await #expect(throws: ACMEError.self) { try await server.register(key: key, externalAccount: wrong) }
    let right = try #require(ExternalAccount(keyID: "kid-1", macKeyText: PKISecret(text)))
    #expect(try await server.register(key: key, externalAccount: right).status == .valid)
  }

  @Test func theAccountKeyIsChangedAndTheOldOneIsWorthNothing() async throws {
    let pebble = try await Pebble.start()
    let server = try await ACMEServer.connect(to: pebble.directoryURL, over: pebble.link())
    let old = try SigningKey.generate(.ecdsaP256)
    let new = try SigningKey.generate(.ecdsaP384)
    let taken = try SigningKey.generate(.ecdsaP256)
    let account = try await server.register(key: old)
    let client = ACMEClient(server: server, accountURL: account.url, key: old)
    let other = try await server.register(key: taken)

    let changed = try await client.changeKey(to: new)

    #expect(changed.accountURL == account.url)
    #expect(changed.thumbprint == new.thumbprint)
    #expect(try await changed.account().status == .valid)
    await #expect(throws: ACMEError.self) { try await client.account() }
    // The key of another account cannot be taken over.
    await #expect(throws: ACMEError.self) { try await changed.changeKey(to: taken) }
    #expect(try await server.findAccount(key: taken).url == other.url)
  }

  @Test func aCertificateIsRevokedOnce() async throws {
    let pebble = try await Pebble.start()
    let client = try await pebble.client()
    let issue = Issue(ca: client) { $0.challenge(.http01) }
    let (chain, _) = try await issue.run(["a.example.com"], key: try .generate(.ecdsaP256))
    let leaf = try X509Certificate(pem: chain[0])

    try await client.revoke(leaf, reason: .superseded)

    await #expect {
      try await client.revoke(leaf, reason: .superseded)
    } throws: { error in
      (error as? ACMEError)?.problem?.type == .alreadyRevoked
    }
  }

  // MARK: refusals

  @Test func aBlockedNameIsRefusedByItsType() async throws {
    let pebble = try await Pebble.start(.init(blocked: ["blocked.example.com"]))
    let client = try await pebble.client()

    await #expect {
      try await client.newOrder(["blocked.example.com"], profile: nil, replaces: nil)
    } throws: { error in
      (error as? ACMEError)?.problem?.type == .rejectedIdentifier
    }
  }

  @Test func aWrongRequestLeavesAnAnswerThatSaysSo() async throws {
    let pebble = try await Pebble.start()
    let client = try await pebble.client()
    let key = try SigningKey.generate(.ecdsaP256)
    let pending = try await client.newOrder(["a.example.com"], profile: nil, replaces: nil)

    // Too early.
    await #expect {
      try await client.finalize(pending, csr: try CertificateRequest.make(names: ["a.example.com"], key: key).der)
    } throws: { error in
      (error as? ACMEError)?.problem?.type == .orderNotReady
    }
    // No such order.
    await #expect {
      try await client.order(at: pending.url + "x")
    } throws: { error in
      // Pebble says 404 without a body.
      (error as? ACMEError)?.kind == .http(status: 404, excerpt: "")
    }
  }

  @Test func aServerWhoseCertificateIsNotTrustedGetsNoRequest() async throws {
    let pebble = try await Pebble.start()
    let link = ACMEServer.Link(http: HTTPClient(loop: CurlLoop()), trust: .system, userAgent: "certfleet-tests/1")

    await #expect {
      try await ACMEServer.connect(to: pebble.directoryURL, over: link)
    } throws: { error in
      guard case .transport(let reason) = (error as? ACMEError)?.kind, case .tls = reason.kind else { return false }
      return true
    }
  }
}

extension Issue {
  fileprivate static func unexpectedSuccess() { Testing.Issue.record("a name without proof was certified") }
  fileprivate static func unexpectedChallenge(_ authorization: Authorization) {
    Testing.Issue.record("a challenge for \(authorization.name), which was proved before")
  }
}
