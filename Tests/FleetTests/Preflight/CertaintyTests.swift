import Fleet
import Testing

/// G16: what is certain to fail is told from what is only likely.
@Suite struct CertaintyTests {
  private let likely = Judgement(.fails(.nameNotFound), "gone.example does not exist in DNS")

  private func sighting(
    _ resolver: String = "a", _ four: AddressAnswer = .noSuchName, _ six: AddressAnswer = .noSuchName
  ) -> AddressSighting {
    AddressSighting(resolver: resolver, four: four, six: six)
  }

  private func witness(_ server: String = "ns1", _ words: [OwnWord] = [.nothing, .nothing]) -> ZoneWitness {
    ZoneWitness(server: server, words: words)
  }

  @Test func aNameThatEveryResolverAndTheZonesServersDenyIsCertain() {
    let judged = Certainty.judge(
      likely, [sighting("a"), sighting("b", .noData, .noSuchName)], witnesses: [witness("ns1"), witness("ns2")])

    #expect(judged.verdict == .certain(.nameNotFound))
    #expect(judged.evidence.contains("ns1, ns2"))
  }

  @Test(arguments: [AddressAnswer.broken, .silent("does not answer in time"), .addresses(["192.0.2.1"])])
  func oneResolverOfAnotherOpinionMakesItLikely(answer: AddressAnswer) {
    #expect(Certainty.judge(likely, [sighting("a"), sighting("b", answer)], witnesses: [witness()]) == likely)
    #expect(
      Certainty.judge(likely, [sighting("a"), sighting("b", .noSuchName, answer)], witnesses: [witness()]) == likely)
  }

  @Test(arguments: [
    [], [ZoneWitness(server: "ns1", words: [])], [ZoneWitness(server: "ns1", words: [.nothing, .unclear])],
    [
      ZoneWitness(server: "ns1", words: [.nothing, .nothing]), ZoneWitness(server: "ns2", words: [.unclear, .nothing]),
    ],
  ])
  func withoutTheWordOfEachServerOfTheZoneNothingIsCertain(witnesses: [ZoneWitness]) {
    #expect(Certainty.judge(likely, [sighting()], witnesses: witnesses) == likely)
  }

  @Test func onlyANameThatIsNotThereBecomesCertain() {
    for verdict in [Finding.Verdict.fails(.wrongAddress), .fails(.dnsBroken), .passes, .unknown] {
      let other = Judgement(verdict, "something else")
      #expect(Certainty.judge(other, [sighting()], witnesses: [witness()]) == other)
    }
  }

  // MARK: CAA

  private let forbidden = Judgement(.fails(.caaForbids), "the CAA records of shop.example allow only others")
  private let told = CAAIssuer(identities: ["ca.example"], account: "https://ca.example/acct/1", isTold: true)
  private let others = [CAARecord(tag: "issue", value: "other.example")]
  private let ours = [CAARecord(tag: "issue", value: "ca.example")]

  private func climb(
    resolvers: [CAAAnswer], zone: [OwnWord], below: CAAAnswer = .none, belowZone: OwnWord = .nothing
  ) -> [Certainty.CAAWitness] {
    [
      Certainty.CAAWitness(resolvers: [below], zone: [witness("ns1", [belowZone])]),
      Certainty.CAAWitness(resolvers: resolvers, zone: zone.map { witness("ns1", [$0]) }),
    ]
  }

  @Test func aSetThatForbidsByEveryVoiceIsCertain() {
    let judged = Certainty.judge(
      forbidden, "www.shop.example", climb: climb(resolvers: [.records(others)], zone: [.records(others)]), issuer: told
    )

    #expect(judged.verdict == .certain(.caaForbids))
  }

  @Test func aVoiceThatAllowsOrSaysNothingMakesItLikely() {
    for climb in [
      climb(resolvers: [.records(others), .records(ours)], zone: [.records(others)]),
      climb(resolvers: [.records(others)], zone: [.records(ours)]),
      climb(resolvers: [.records(others), .silent("late")], zone: [.records(others)]),
      climb(resolvers: [.records(others)], zone: [.unclear]), climb(resolvers: [.records(others)], zone: []),
      climb(resolvers: [.records(others)], zone: [.records(others)], below: .broken),
      climb(resolvers: [.records(others)], zone: [.records(others)], belowZone: .records(ours)),
    ] {
      #expect(Certainty.judge(forbidden, "www.shop.example", climb: climb, issuer: told) == forbidden)
    }
  }

  @Test func aCAThatDoesNotTellItsNamesIsNeverForbiddenForCertain() {
    let climb = climb(resolvers: [.records(others)], zone: [.records(others)])
    for issuer in [
      CAAIssuer(identities: ["ca.example"], account: "https://ca.example/acct/1"),
      CAAIssuer(identities: ["ca.example"], account: nil, isTold: true),
    ] {
      #expect(Certainty.judge(forbidden, "www.shop.example", climb: climb, issuer: issuer) == forbidden)
    }
  }
}
