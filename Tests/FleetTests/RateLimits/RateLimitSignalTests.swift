import Foundation
import Testing

@testable import Fleet

@Suite struct RateLimitSignalTests {
  let limited = "urn:ietf:params:acme:error:rateLimited"
  let help = ": see https://letsencrypt.org/docs/rate-limits/#x"

  /// The texts as Boulder writes them, by the limit that each is about.
  static let texts: [(String, Limit, String?)] = [
    (#"certificates (50) already issued for "a.example" in the last 168h0m0s"#, .certificatesPerDomain, "a.example"),
    (
      "certificates (5) already issued for this exact set of identifiers in the last 168h0m0s", .certificatesPerFQDNSet,
      nil
    ),
    ("new orders (300) from this account in the last 3h0m0s", .newOrdersPerAccount, nil),
    (#"failed authorizations (5) for "www.a.example" in the last 1h0m0s"#, .failedAuthorizations, "www.a.example"),
    ("new registrations (10) from this IP address in the last 3h0m0s", .newRegistrationsPerIPAddress, nil),
    (
      "new registrations (500) from this /48 subnet of IPv6 addresses in the last 3h0m0s",
      .newRegistrationsPerIPv6Range, nil
    ),
  ]

  @Test(arguments: texts)
  func eachLimitIsRecognisedByItsText(text: String, limit: Limit, subject: String?) {
    let signal = RateLimitSignal.read(
      status: 429, type: limited, detail: "too many \(text), retry after 2026-09-21 15:00:00 UTC\(help)",
      retryAfter: after(77), at: noon)

    #expect(signal == .limited(limit, subject: subject, until: after(77)))
  }

  @Test func withoutRetryAfterTheTimeInTheTextCounts() {
    let text = "too many new orders (300) from this account in the last 3h0m0s, retry after 2026-09-21 14:13:21 UTC"
    // noon of these tests is 2026-09-21 14:13:20 UTC

    let soon = RateLimitSignal.read(status: 429, type: limited, detail: text + help, retryAfter: nil, at: after(-60))
    let past = RateLimitSignal.read(status: 429, type: limited, detail: text + help, retryAfter: nil, at: after(60))

    #expect(soon == .limited(.newOrdersPerAccount, subject: nil, until: after(1)))
    #expect(past == .limited(.newOrdersPerAccount, subject: nil, until: after(61)))
  }

  @Test func aPauseCarriesItsLink() {
    let link = "https://portal.letsencrypt.org/sfe/v1/unpause?jwt=e30.e30.x"
    let text =
      "Your account is temporarily prevented from requesting certificates for a.example, b.example and possibly others."
      + " Please visit: \(link)"

    let signal = RateLimitSignal.read(status: 429, type: limited, detail: text, retryAfter: nil, at: noon)

    #expect(signal == .paused(names: "a.example, b.example", unpauseURL: link))
    #expect(signal?.failure(text, at: noon).kind == .paused)
  }

  @Test func theStatusDecidesWhatIsBusy() {
    #expect(
      RateLimitSignal.read(
        status: 503, type: limited, detail: "Service busy; retry later.", retryAfter: after(60), at: noon)
        == .busy(until: after(60)))
    #expect(
      RateLimitSignal.read(status: 503, type: nil, detail: "<html>", retryAfter: nil, at: noon) == .busy(until: nil))
    #expect(
      RateLimitSignal.read(
        status: 400, type: "urn:ietf:params:acme:error:malformed",
        detail: "too many new orders (300) from this account", retryAfter: nil, at: noon) == nil)
  }

  @Test func unknownWordsAreNeverTheCustomersFailure() {
    let signal = RateLimitSignal.read(status: 429, type: nil, detail: "slow down", retryAfter: nil, at: noon)

    #expect(signal == .unknown(until: nil))
    let failure = signal?.failure("slow down", at: noon)
    #expect(failure?.kind.retry == .whenAllowed)
    #expect(failure?.retryAfter == after(3_600))
  }

  @Test func aHostileTextCostsNoTime() {
    let text = String(repeating: "too many certificates (5) already issued for \"", count: 20_000)

    let signal = RateLimitSignal.read(status: 429, type: limited, detail: text, retryAfter: nil, at: noon)

    #expect(signal == .unknown(until: nil))
  }

  @Test func aRefusalEmptiesThatBucketAndLeavesOtherWorkAlone() throws {
    var ledger = ledger()
    let refused = try order("a.example.com")
    let signal = RateLimitSignal.limited(.certificatesPerDomain, subject: "example.com", until: after(5_000))

    let rows = ledger.apply(signal, to: refused, at: noon)

    #expect(rows.map(\.key) == [.domain("example.com", letsEncrypt)])
    #expect(ledger.decide(refused, at: noon) == .wait(until: after(5_000), .domain("example.com", letsEncrypt)))
    let other = ledger.decide(try order("a.example.net"), at: noon)
    #expect(other == .now)
  }

  @Test func whereTheCAsSuffixListIsOlderBothDomainsWait() throws {
    var ledger = ledger()
    // Our list says that tenant.host.example is registered of its own; the CA counts it under host.example.
    let names = try #require(NameSet(["www.tenant.host.example"]))
    let refused = PlannedOrder(
      authority: letsEncrypt, names: names, registeredDomains: ["tenant.host.example"])

    _ = ledger.apply(
      .limited(.certificatesPerDomain, subject: "host.example", until: after(100)), to: refused, at: noon)

    #expect(
      ledger.decide(refused, at: noon) == .wait(until: after(100), .domain("tenant.host.example", letsEncrypt)))
  }

  @Test func anAbsurdRetryAfterIsBelievedUpToTheWholeSpan() throws {
    var ledger = ledger()

    _ = ledger.resync(.newOrders(letsEncrypt), retryAfter: 1e18, at: noon)

    let decision = ledger.decide(try order("a.example.com"), at: noon)
    #expect(decision == .wait(until: after(10_800), .newOrders(letsEncrypt)))
  }
}
