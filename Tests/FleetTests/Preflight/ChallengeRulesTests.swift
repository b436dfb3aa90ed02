import Testing

@testable import Fleet

@Suite struct ChallengeRulesTests {
  private func rules(isAllowed: Bool = true, method: ChallengeMethod = .usualThumbprint) -> ChallengeRules {
    ChallengeRules(
      name: "a.example", vip: VIPReference(pair: PairID("lb0"), vip: VIPID("web")), customer: CustomerID("acme"),
      method: method, token: "tok", thumbprint: "print", isAllowed: isAllowed, book: AddressBook(SmallFleet.inventory())
    )
  }

  private func answer(_ status: Int, _ body: String = "", pair: String? = nil, hops: Int = 1) -> ChallengeSight {
    let hop = ChallengeHop(name: "a.example", token: "tok")
    return .answer(
      .init(status: status, body: body, pair: pair, place: "192.0.2.1:80", hops: Array(repeating: hop, count: hops)))
  }

  private let hop = [ChallengeHop(name: "a.example", token: "tok")]

  @Test func theRightAnswerPasses() {
    #expect(rules().judgeVIP(answer(200, "tok.print", pair: "lb0")).verdict == .passes)
    #expect(rules().judgeVIP(answer(200, "tok.print", hops: 3)).verdict == .passes)
  }

  @Test func aWrongAnswerOfOurOwnVIPIsOurs() {
    for sight in [answer(200, "hello"), answer(404), answer(200, "tok.other"), answer(200, "tok.print", pair: "lb1")] {
      let judged = rules().judgeVIP(sight)
      #expect(judged.verdict == .vetoes(.vipAnswersWrongly))
    }
    #expect(Failure.Kind.vipAnswersWrongly.loudness == .operatorNeeded)
    #expect(Failure.Kind.vipAnswersWrongly.retry == .whenHealed)
    #expect(rules().judgeVIP(answer(200, "tok.other")).evidence.contains("another account key"))
    #expect(rules().judgeVIP(.strayed("a redirect loop", hops: hop)).verdict == .vetoes(.vipAnswersWrongly))
  }

  @Test func aNameThatTheRuleWasNotToldOfIsUndecided() {
    let rules = rules(isAllowed: false)

    #expect(rules.judgeVIP(answer(404)).verdict == .unknown)
    #expect(rules.judgeVIP(.strayed("a redirect loop", hops: hop)).verdict == .unknown)
    // These are wrong whatever it was told.
    #expect(rules.judgeVIP(answer(200, "tok.other")).verdict == .vetoes(.vipAnswersWrongly))
    #expect(rules.judgeVIP(answer(404, pair: "lb1")).verdict == .vetoes(.vipAnswersWrongly))
  }

  @Test func aClosedPortAdvisesAndSilenceSaysNothing() {
    #expect(rules().judgeVIP(.refused("refused", hops: hop)).verdict == .fails(.port80Closed))
    #expect(rules().judgeVIP(.silent("timed out", hops: hop)).verdict == .unknown)
    #expect(rules().judgeRoute(.refused("refused", hops: hop)).verdict == .fails(.port80Closed))
    #expect(rules().judgeRoute(.refused("refused", hops: hop + hop)).verdict == .fails(.redirectAway))
  }

  @Test func atTheTunnel503IsTheRoute() {
    let rules = rules(method: .tunnel(port: 8888))

    #expect(rules.judgeVIP(answer(503)).verdict == .passes)
    #expect(rules.judgeVIP(answer(404)).verdict == .vetoes(.vipAnswersWrongly))
  }

  // H12: a session that was cut off holds the tunnel's port and answers nothing: the rule is right, and the tunnel frees the port.
  @Test(arguments: [502, 504]) func atTheTunnelAPortThatIsHeldIsNoWrongRule(_ status: Int) {
    let judged = rules(method: .tunnel(port: 8888)).judgeVIP(answer(status))

    #expect(judged.verdict == .unknown)
    #expect(judged.evidence.contains("port 8888"))
    #expect(rules().judgeVIP(answer(status)).verdict == .vetoes(.vipAnswersWrongly))
  }

  @Test func anAnswerFromAnotherPairOnTheWayVetoesUnlessItIsTheSameCustomers() {
    var inventory = SmallFleet.inventory(pairs: 3)
    inventory.pairs[1].customer = CustomerID("acme")
    inventory.pairs[2].customer = CustomerID("zeta")
    let rules = ChallengeRules(
      name: "a.example", vip: VIPReference(pair: PairID("lb0"), vip: VIPID("web")), customer: CustomerID("acme"),
      method: .usualThumbprint, token: "tok", thumbprint: "print", isAllowed: true, book: AddressBook(inventory))

    #expect(rules.judgeRoute(answer(200, "tok.print", pair: "lb1")).verdict == .fails(.anotherPair))
    #expect(rules.judgeRoute(answer(200, "tok.print", pair: "lb2")).verdict == .vetoes(.anotherPair))
    #expect(rules.judgeRoute(answer(200, "tok.print", pair: "nobody")).verdict == .vetoes(.anotherPair))
    #expect(rules.judgeRoute(answer(200, "tok.print", pair: "lb0")).verdict == .passes)
    #expect(rules.judgeRoute(answer(200, "hello")).verdict == .fails(.wrongAnswer))
    #expect(rules.judgeRoute(answer(200, "hello", hops: 2)).verdict == .fails(.redirectAway))
  }
}
