import Fleet
import Foundation
import Testing

@Suite struct CertificateValueTests {
  private let noon = SmallFleet.noon
  private let day = SmallFleet.day

  @Test(arguments: [(90.0, 60.0, 80.0), (45, 30, 40), (10, 6.67, 8.89), (6, 3, 5.33)])
  func dueAndDangerFollowTheLifetime(life: Double, due: Double, danger: Double) {
    let certificate = SmallFleet.certificate(AttemptID("a"), days: life)

    #expect(abs(certificate.dueAt.timeIntervalSince(noon) / day - due) < 0.01)
    #expect(abs(certificate.dangerAt.timeIntervalSince(noon) / day - danger) < 0.01)
    #expect(certificate.dueAt < certificate.dangerAt)
  }

  @Test func dangerOfWhatIsServedIsMeasuredOnWhatIsServedNotOnWhatWaits() throws {
    var certificate = SmallFleet.served(try SmallFleet.spec("n0"))
    certificate.issued = SmallFleet.certificate(AttemptID("new"), from: noon.addingTimeInterval(80 * day))

    #expect(!certificate.isInDanger(at: noon.addingTimeInterval(79.9 * day)))
    #expect(certificate.isInDanger(at: noon.addingTimeInterval(80 * day)))
  }

  @Test func aSetOfNamesIsSortedUniqueAndBetweenOneAndAHundred() throws {
    let set = try #require(NameSet(["b.example", "a.example", "b.example"]))

    #expect(set.names == ["a.example", "b.example"])
    #expect(set.description == "a.example +1")
    #expect(NameSet([]) == nil)
    #expect(NameSet((0..<100).map { "n\($0).example" }) != nil)
    #expect(NameSet((0..<101).map { "n\($0).example" }) == nil)
    #expect(set == NameSet(["b.example", "a.example"]))
  }

  @Test func aSetOfNamesReadsBackAsAnArray() throws {
    let set = try #require(NameSet(["b.example", "a.example"]))

    let data = try JSONEncoder().encode(set)

    #expect(String(decoding: data, as: UTF8.self) == #"["a.example","b.example"]"#)
    #expect(try JSONDecoder().decode(NameSet.self, from: data) == set)
  }

  @Test func namesKeyAndProfileMakeTheRevisionAndNothingElse() throws {
    let spec = try SmallFleet.spec("n0")
    var other = spec
    other.customer = CustomerID("zeta")
    other.source = "other.csv"
    other.vip = VIPID("mail")
    #expect(spec.isSameRevision(as: other))

    #expect(!spec.isSameRevision(as: try SmallFleet.spec("n0", key: .rsa2048)))
    #expect(!spec.isSameRevision(as: try SmallFleet.spec("n0", names: ["n1.example"])))
    other = spec
    other.profile = "shortlived"
    #expect(!spec.isSameRevision(as: other))
  }

  @Test func theWireProvesMoreThanMemoryAndMemoryMoreThanTheDisk() {
    #expect([Proof.wire, .disk, .unconfirmed, .memory].sorted() == [.unconfirmed, .disk, .memory, .wire])
  }
}
