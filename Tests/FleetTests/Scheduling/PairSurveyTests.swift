import Fleet
import Foundation
import Testing

@Suite struct PairSurveyTests {
  private let a = NodeID("lb0-a")
  private let b = NodeID("lb0-b")

  private func survey(_ active: [String: NodeID], dead: [NodeID] = []) -> PairSurvey {
    PairSurvey(
      active: Dictionary(uniqueKeysWithValues: active.map { (VIPID($0.key), ActiveNode.node($0.value)) }),
      unreachable: Dictionary(uniqueKeysWithValues: dead.map { ($0, Failure(.nodeUnreachable, "no route")) }),
      at: SmallFleet.noon)
  }

  @Test func theNodeWithFewerActiveVIPsGoesFirst() {
    #expect(survey(["web": a]).rolloutOrder(of: [a, b]) == [b, a])
    #expect(survey(["web": b]).rolloutOrder(of: [a, b]) == [a, b])
    #expect(survey(["web": a, "mail": a, "api": b]).rolloutOrder(of: [a, b]) == [b, a])
  }

  @Test func equalNodesGoInTheOrderOfTheInventory() {
    #expect(survey(["web": a, "mail": b]).rolloutOrder(of: [a, b]) == [a, b])
    #expect(survey(["web": a, "mail": b]).rolloutOrder(of: [b, a]) == [b, a])
  }

  @Test func unreachableNodesAreLeftOut() {
    #expect(survey(["web": a], dead: [b]).rolloutOrder(of: [a, b]) == [a])
    #expect(survey([:], dead: [a, b]).rolloutOrder(of: [a, b]).isEmpty)
  }

  @Test func aVIPNobodyWasAskedAboutIsNotTouched() {
    guard case .none(let failure) = survey(["web": a]).node(activeFor: VIPID("mail")) else {
      Issue.record("a VIP was given a node that nobody named")
      return
    }
    #expect(failure.kind == .roleUnknown)
  }

  @Test func troubleIsASilentNodeOrAVIPWithoutItsOneActiveNode() {
    #expect(!survey(["web": a]).isTroubled)
    #expect(survey(["web": a], dead: [b]).isTroubled)
    var split = survey(["web": a, "mail": a])
    split.active[VIPID("mail")] = ActiveNode.none(Failure(.splitBrain, "both"))
    #expect(split.isTroubled)
  }

  @Test func aBatchStartsWhenFullOrWhenNothingMoreComesOrWhenItsTimeIsUp() {
    let policy = BatchPolicy(PaceSettings(batchSize: 10, batchSeconds: 30))

    #expect(!policy.starts(waiting: 0, oldestAge: 99, moreIsComing: false))
    #expect(policy.starts(waiting: 10, oldestAge: 0, moreIsComing: true))
    #expect(!policy.starts(waiting: 9, oldestAge: 29.9, moreIsComing: true))
    #expect(policy.starts(waiting: 9, oldestAge: 30, moreIsComing: true))
    #expect(policy.starts(waiting: 1, oldestAge: 0, moreIsComing: false))
  }
}
