import Fleet
import Foundation
import Testing

@Suite struct CrowdedSetTests {
  private func specs(_ count: Int) throws -> [CertificateSpec] {
    try (0..<count).map { try SmallFleet.spec("n\($0)", names: ["same.example", "www.same.example"]) }
      + [SmallFleet.spec("other")]
  }

  @Test func fourCertificatesWithTheSameNamesAreNamedAndThreeAreNot() throws {
    #expect(CrowdedSet.list(try specs(3), .letsEncrypt).isEmpty)

    let crowded = try #require(CrowdedSet.list(try specs(4), .letsEncrypt).first)
    #expect(crowded.specs.count == 4)
    #expect(crowded.text.contains("4 certificates (lb0/n0, lb0/n1, lb0/n2, lb0/n3)"))
  }

  @Test func whereTheSetIsNotLimitedNothingIsSaid() throws {
    #expect(CrowdedSet.list(try specs(50), .none).isEmpty)
    #expect(CrowdedSet.list(try specs(50), .letsEncryptStaging).isEmpty)
  }
}
