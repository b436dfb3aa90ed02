import Foundation
import Testing

@testable import Fleet

/// What others issued, as a CT log tells.
@Suite struct LedgerSeedTests {
  private let day = 86_400.0

  private func logged(_ name: String, daysAgo: Double) throws -> LoggedCertificate {
    LoggedCertificate(
      names: try #require(NameSet([name])), registeredDomains: ["one.example"], at: noon - daysAgo * day)
  }

  @Test func aWeekOfOthersWorkLeavesWhatTheCAHasLeft() throws {
    var ledger = ledger()
    let others = try (0..<50).map { try logged("n\($0).one.example", daysAgo: 0.5) }

    _ = ledger.seed(others, letsEncrypt, at: noon)

    // 50 half a day ago: three of 202 minutes each have come back.
    let standing = try #require(
      ledger.standings(at: noon).first { $0.key == .domain("one.example", letsEncrypt) })
    #expect(standing.left == 3)
  }

  @Test func theSameFileTwiceChangesNothing() throws {
    var ledger = ledger()
    let others = try (0..<20).map { try logged("n\($0).one.example", daysAgo: 1) }
    _ = ledger.seed(others, letsEncrypt, at: noon)
    let before = ledger.rows

    #expect(ledger.seed(others, letsEncrypt, at: noon).isEmpty)
    #expect(ledger.rows == before)
  }

  @Test func aLogThatKnowsLessThanWeFillsNothing() throws {
    var ledger = ledger()
    for index in 0..<40 {
      _ = ledger.observed(
        try #require(NameSet(["own\(index).one.example"])), registeredDomains: ["one.example"], at: noon, letsEncrypt)
    }
    let before = ledger.rows

    #expect(ledger.seed([try logged("other.one.example", daysAgo: 0)], letsEncrypt, at: noon).count == 1)
    #expect(ledger.rows.first { $0.limit == .certificatesPerDomain } == before.first)
  }

  @Test func aRenewalCountsForItsSetAndNotForTheDomain() throws {
    var ledger = ledger()

    let rows = ledger.seed(
      [try logged("a.one.example", daysAgo: 60), try logged("a.one.example", daysAgo: 0.1)], letsEncrypt, at: noon)

    #expect(rows.map(\.limit) == [.certificatesPerFQDNSet])
  }

  private let rules = NameRules(
    aLabel: { (text) throws(NameRules.Fault) in
      guard text.contains("."), !text.contains("!") else { throw NameRules.Fault("no name", remedy: "") }
      return text.lowercased()
    }, registeredDomain: { $0.split(separator: ".").suffix(2).joined(separator: ".") }, isSuffix: { _ in false })

  private func read(_ text: String, issuer: String? = "Let's Encrypt") -> CertificateLogReader.Reading {
    CertificateLogReader.read(Array(text.utf8), name: "ct.csv", issuer: issuer, names: rules)
  }

  @Test func theColumnsOfCrtShAreRead() throws {
    let reading = read(
      """
      issuer_ca_id,issuer_name,common_name,name_value,id,entry_timestamp,not_before,not_after,serial_number
      1,"C=US, O=Let's Encrypt, CN=R11",b.one.example,"b.one.example
      *.B.one.example",9,2026-09-20T10:00:00.123,2026-09-20T09:01:00,2026-12-19T09:00:59,04aa
      1,"C=US, O=Let's Encrypt, CN=R11",b.one.example,b.one.example,10,2026-09-20T10:00:05,2026-09-20T09:01:00,x,04AA
      2,"C=GB, O=Another",c.one.example,c.one.example,11,2026-09-20T10:00:05,2026-09-20T09:01:00,x,05
      1,"C=US, O=Let's Encrypt, CN=R11",d.two.example,d.two.example,12,,2026-09-20 09:01:00,x,06
      """)

    #expect(reading.diagnostics.isEmpty)
    #expect(reading.foreign == 1)
    #expect(reading.certificates.map(\.names.names) == [["*.b.one.example", "b.one.example"], ["d.two.example"]])
    #expect(reading.certificates.map(\.registeredDomains) == [["one.example"], ["two.example"]])
    #expect(
      reading.certificates.map(\.at) == [
        Date(timeIntervalSince1970: 1_789_898_400), Date(timeIntervalSince1970: 1_789_898_460),
      ])
  }

  @Test func aFileWithoutTheColumnsIsRefusedAtItsHeader() {
    let reading = read("domain,pair\na.example,lb0\n")

    #expect(reading.certificates.isEmpty)
    #expect(reading.diagnostics.map(\.location.line) == [1])
  }

  @Test func aRowThatCannotBeReadIsNamedByItsLine() {
    let reading = read("name_value,not_before\na.one.example,yesterday\n!!,2026-09-20\nb.one.example,2026-09-20\n")

    #expect(reading.diagnostics.map(\.location.line) == [2, 3])
    #expect(reading.certificates.count == 1)
  }
}
