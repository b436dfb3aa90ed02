import Testing

@testable import ACME

@Suite struct PhaseGateTests {
  /// Who is inside at this moment.
  actor Watch {
    var ordering = 0
    var authorizing = 0
    var together = 0
    var mixed = 0

    func enter(_ phase: PhaseGate.Phase) {
      if phase == .ordering { ordering += 1 } else { authorizing += 1 }
      if ordering > 0, authorizing > 0 { mixed += 1 }
      together = max(together, ordering + authorizing)
    }

    func leave(_ phase: PhaseGate.Phase) {
      if phase == .ordering { ordering -= 1 } else { authorizing -= 1 }
    }
  }

  @Test func theTwoPhasesNeverMeetAndAllComeThrough() async throws {
    let gate = try #require(PhaseGate(for: try directory(newOrder: "https://127.0.0.1/order-plz")))
    let watch = Watch()

    let done = try await withThrowingTaskGroup(of: Int.self) { group in
      for worker in 0..<16 {
        group.addTask {
          for round in 0..<100 {
            let phase: PhaseGate.Phase = (worker + round).isMultiple(of: 3) ? .ordering : .authorizing
            do throws(ACMEError) {
              try await gate.during(phase) { () async throws(ACMEError) in
                await watch.enter(phase)
                for _ in 0..<3 { await Task.yield() }
                await watch.leave(phase)
                if round == 50 { throw ACMEError(.malformed("on purpose"), url: "") }
              }
            } catch {
              #expect(round == 50)
            }
          }
          return 100
        }
      }
      return try await group.reduce(0, +)
    }

    #expect(done == 1_600)
    #expect(await watch.mixed == 0)
    #expect(await watch.together > 1)
  }

  @Test func onlyPebbleGetsAGate() throws {
    #expect(PhaseGate(for: try directory(newOrder: "https://ca.example/acme/new-order")) == nil)
  }

  private func directory(newOrder: String) throws -> Directory {
    let wire = Directory.Wire(newNonce: "/n", newAccount: "/a", newOrder: newOrder)
    return try Directory(wire, url: "https://127.0.0.1/dir")
  }
}
