import Foundation
import Testing

@testable import Fleet

/// What a plan says of domains whose own limit binds.
@Suite struct DomainOutlookTests {
  private func outlook(_ count: Int, pairs: Int = 1, profile: String? = nil) throws -> [DomainOutlook] {
    let specs = try (0..<count).map { index in
      var spec = try SmallFleet.spec("n\(index)", pair: "lb\(index % pairs)", names: ["n\(index).one.example"])
      spec.registeredDomains = ["one.example"]
      return spec
    }
    let table = Ledger(tables: [letsEncrypt: .letsEncrypt], reserve: .nothing)
    var scheduler = Scheduler()
    for spec in specs {
      let order = PlannedOrder(
        authority: letsEncrypt, names: spec.names, registeredDomains: spec.registeredDomains)
      scheduler.add(Candidate(spec: spec.id, kind: .issue, pair: spec.pair, order: order))
    }
    return DomainOutlook.list(
      Forecast.run(scheduler, table, from: noon),
      Dictionary(uniqueKeysWithValues: specs.map { ($0.id, CertificateState(spec: $0)) }), ledger: table,
      usualProfile: profile)
  }

  @Test func ninetyThreeSubdomainsTakeSixDaysAndAsOneCertificateNone() throws {
    let found = try #require(try outlook(93).first)

    #expect(
      found.text(from: noon)
        == "93 new sub-domains of one.example: 6 d, bound by 50 a week; as one certificate with 93 names: now")
  }

  @Test func whatADomainHasRoomForIsNoMatter() throws {
    #expect(try outlook(50).isEmpty)
  }

  @Test func namesOnSeveralPairsCannotShareACertificate() throws {
    let found = try #require(try outlook(120, pairs: 3).first)

    #expect(found.packed == .init(certificates: 3, end: noon))
  }

  @Test func aProfileForTwentyFiveNamesNeedsMoreCertificates() throws {
    let found = try #require(try outlook(93, profile: "tlsserver").first)

    #expect(found.packed?.certificates == 4)
  }

  @Test func moreThanEvenPackingHelpsWaitsItsTurn() throws {
    // 6,000 names in 60 certificates of a hundred: ten more than the bucket holds.
    let found = try #require(try outlook(6_000).first)

    #expect(found.packed?.certificates == 60)
    #expect(found.packed?.end == after(10 * 12_096))
  }
}
