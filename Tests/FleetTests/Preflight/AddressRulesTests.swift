import Testing

@testable import Fleet

@Suite struct AddressRulesTests {
  private func pair(_ id: String, _ customer: String?, _ address: String, publicAddresses: [String] = []) -> Pair {
    var pair = SmallFleet.pair(id)
    pair.customer = customer.map { CustomerID($0) }
    pair.vips = [VIP(id: VIPID("web"), address: address, publicAddresses: publicAddresses)]
    return pair
  }

  private var book: AddressBook {
    var inventory = SmallFleet.inventory()
    inventory.pairs = [
      pair("own", "acme", "10.0.0.1", publicAddresses: ["192.0.2.1", "2001:db8::1"]),
      pair("sister", "acme", "192.0.2.2"),
      pair("foreign", "zeta", "192.0.2.3"), pair("shared", nil, "192.0.2.4"),
    ]
    return AddressBook(inventory)
  }

  private func judge(_ sightings: AddressSighting...) -> Judgement {
    AddressRules(
      name: "a.example", vip: VIPReference(pair: PairID("own"), vip: VIPID("web")), customer: CustomerID("acme"),
      expected: ["192.0.2.1", "2001:db8::1"], book: book
    ).judge(sightings)
  }

  private func says(
    _ four: AddressAnswer, _ six: AddressAnswer = .noData, resolver: String = "192.0.2.53"
  ) -> AddressSighting { AddressSighting(resolver: resolver, four: four, six: six) }

  @Test(arguments: [
    (AddressAnswer.addresses(["192.0.2.1"]), AddressAnswer.noData, Finding.Verdict.passes),
    (.addresses(["192.0.2.1"]), .addresses(["2001:db8::1"]), .passes),
    (.noData, .addresses(["2001:db8::1"]), .passes),
    (.addresses(["192.0.2.1"]), .broken, .passes),
    (.addresses(["192.0.2.1"]), .silent("timed out"), .passes),
    (.noSuchName, .noSuchName, .fails(.nameNotFound)),
    (.noData, .noData, .fails(.nameNotFound)),
    (.broken, .broken, .fails(.dnsBroken)),
    (.broken, .noData, .fails(.dnsBroken)),
    (.silent("timed out"), .silent("timed out"), .unknown),
    (.addresses(["203.0.113.9"]), .noData, .fails(.wrongAddress)),
    (.addresses(["192.0.2.1", "203.0.113.9"]), .noData, .fails(.wrongAddress)),
    (.addresses(["192.0.2.1"]), .addresses(["2001:db8::bad"]), .fails(.strayIPv6Address)),
    (.addresses(["203.0.113.9"]), .addresses(["2001:db8::bad"]), .fails(.wrongAddress)),
    // The controller's side of a NAT is not what DNS shall show.
    (.addresses(["10.0.0.1"]), .noData, .fails(.wrongAddress)),
    (.addresses(["192.0.2.2"]), .noData, .fails(.anotherPair)),
    (.addresses(["192.0.2.3"]), .noData, .vetoes(.anotherPair)),
    (.addresses(["192.0.2.4"]), .noData, .vetoes(.anotherPair)),
    (.addresses(["192.0.2.1", "192.0.2.3"]), .noData, .vetoes(.anotherPair)),
  ])
  func oneResolversAnswerIsJudged(four: AddressAnswer, six: AddressAnswer, expected: Finding.Verdict) {
    #expect(judge(says(four, six)).verdict == expected)
  }

  @Test func aSilentResolverHasNoVote() {
    let judged = judge(
      says(.silent("timed out"), .silent("timed out"), resolver: "198.51.100.1"), says(.addresses(["192.0.2.1"])))

    #expect(judged.verdict == .passes)
  }

  @Test func resolversThatDisagreeAreAllQuotedAndTheGravestCounts() {
    let judged = judge(says(.noSuchName, .noSuchName, resolver: "198.51.100.1"), says(.addresses(["192.0.2.1"])))

    #expect(judged.verdict == .fails(.nameNotFound))
    #expect(judged.evidence.contains("disagree"))
    #expect(judged.evidence.contains("198.51.100.1 says"))
    #expect(judged.evidence.contains("192.0.2.53 says"))
  }

  @Test func thatNoResolverAnswersIsToldWithItsReasons() {
    let judged = judge(
      says(.silent("timed out"), .silent("timed out")), says(.silent("refuses"), .silent("refuses"), resolver: "b"))

    #expect(judged == Judgement(.unknown, "no resolver answers from here: 192.0.2.53 timed out; b refuses"))
  }
}
