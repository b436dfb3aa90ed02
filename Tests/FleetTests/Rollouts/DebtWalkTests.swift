import Fleet
import Foundation
import Testing

/// What a node missed while it was away, on walks in which it comes back to other roles.
@Suite struct DebtWalkTests {
  static let walks: [DebtWalk.Story] = {
    do {
      return try (0..<2_000 as Range<UInt64>).map { try DebtWalk(seed: $0).walk() }
    } catch {
      Issue.record("a walk took an illegal step: \(error)")
      return []
    }
  }()

  @Test func aNodeTakesPartInARolloutOnlyAfterItsDebtsWereSettled() {
    #expect(Self.walks.count == 2_000)
    let broken = Self.walks.filter { !$0.faults.isEmpty }
    #expect(broken.isEmpty, "\(broken.count) walks")
    if let first = broken.first {
      Issue.record("seed \(first.seed):\n\(first.faults.prefix(5).joined(separator: "\n"))")
    }
  }

  @Test func whoeverIsBackForGoodOwesNothingInTheEnd() {
    for walk in Self.walks {
      for node in DebtWalk.nodes {
        #expect(DebtWalk.owed(on: node, walk.state).isEmpty, "seed \(walk.seed), \(node)")
      }
      let unserved = walk.state.certificates.values.filter { $0.served == nil || $0.served != $0.issued?.attempt }
      #expect(unserved.isEmpty, "seed \(walk.seed)")
    }
  }

  @Test func theWalksComeToDebtsThatAreSettledAfterAFailOver() {
    #expect(Self.walks.reduce(0) { $0 + $1.settled } > 2_000)
    #expect(Self.walks.reduce(0) { $0 + $1.settledAfterMove } > 500)
  }
}
