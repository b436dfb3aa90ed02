import Foundation
import Testing

@testable import Fleet

@Suite struct LimitTableTests {
  func read(_ json: String) throws -> LimitTable { try LimitTable(json: Data(json.utf8)) }

  func words(of json: String) -> String? {
    do throws(LimitTableFault) {
      _ = try LimitTable(json: Data(json.utf8))
      return nil
    } catch {
      return error.description
    }
  }

  @Test func overridesOfAccountAndDomainReplaceTheLimit() throws {
    let table = try read(
      """
      {"limits": [{"name": "CertificatesPerDomain", "burst": 50, "count": 50, "period_s": 604800}],
       "overrides": {"account": {"NewOrdersPerAccount": {"burst": 1000, "count": 1000, "period_s": 604800}},
                     "domains": {"Big.example": {"burst": 300, "count": 300, "period_s": 604800}}}}
      """)

    #expect(table.quota(.newOrdersPerAccount, subject: "account")?.burst == 1_000)
    #expect(table.quota(.certificatesPerDomain, subject: "big.example")?.burst == 300)
    #expect(table.quota(.certificatesPerDomain, subject: "big.example")?.refillSeconds == 2_016)
    #expect(table.quota(.certificatesPerDomain, subject: "small.example")?.burst == 50)
    #expect(table.quota(.certificatesPerFQDNSet, subject: "x") == nil)
  }

  @Test(arguments: [
    ("nonsense", "no valid JSON at the top"),
    ("{}", "limits is missing at the top"),
    (#"{"limits": [{"name": "Nope", "burst": 1, "count": 1, "period_s": 1}]}"#, "unknown limit Nope"),
    (#"{"limits": [{"name": "CertificatesPerDomain"}]}"#, "has no burst, count and period_s for production"),
    (#"{"limits": [{"name": "CertificatesPerDomain", "burst": 0, "count": 1, "period_s": 1}]}"#, "must be positive"),
    (#"{"limits": [{"name": "CertificatesPerDomain", "burst": "x"}]}"#, "wrong kind of value at limits"),
    (#"{"limits": [], "endpoint_limits_per_ip": {"production": {"/x": {"rps": 1, "burst": 1}}}}"#, "endpoint /x"),
  ])
  func aFaultyFileIsRefusedInWords(json: String, words: String) throws {
    let fault = try #require(self.words(of: json))

    #expect(fault.contains(words), "\(fault)")
  }

  @Test func aBucketKeyReadsBackFromItsText() throws {
    let names = try #require(NameSet(["b.example", "a.example", "*.a.example"]))
    for key in [
      BucketKey.newOrders(letsEncrypt), .domain("Example.COM", letsEncrypt), .exactSet(names, letsEncrypt),
      .failures("2001:db8::/64", letsEncrypt), .newAccounts(.newRegistrationsPerIPAddress, letsEncrypt),
    ] {
      #expect(BucketKey(key.description) == key)
    }
    #expect(BucketKey("a/b") == nil)
    #expect(BucketKey("a/NoLimit/b") == nil)
    #expect(BucketKey("/CertificatesPerDomain/b") == nil)
  }

  @Test func theKeyOfASetIsTheSameInEveryProcess() throws {
    let pair = try #require(NameSet(["b.example", "a.example"]))
    let other = try #require(NameSet(["a.example", "c.example"]))
    let single = try #require(NameSet(["a.example"]))

    #expect(BucketKey.exactSet(single, letsEncrypt).subject == "a.example")
    #expect(BucketKey.exactSet(pair, letsEncrypt).subject == "a.example+1~6c76d859d2373027197550fca684320e")
    #expect(BucketKey.exactSet(pair, letsEncrypt) != .exactSet(other, letsEncrypt))
  }
}
