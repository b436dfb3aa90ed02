import Testing

@testable import Controller

@Suite struct GateTests {
  @Test func neverLetsMoreThroughThanItsLimit() async {
    let gate = Gate(limit: 3)
    let meter = Meter()

    await withTaskGroup(of: Void.self) { group in
      for _ in 0..<200 {
        group.addTask {
          await gate.run {
            await meter.enter()
            await Task.yield()
            await meter.leave()
          }
        }
      }
    }

    #expect(await meter.most == 3)
    #expect(await meter.passed == 200)
  }

  @Test func givesThePlaceBackAfterAFailure() async {
    let gate = Gate(limit: 1)
    struct Fault: Error {}

    for _ in 0..<3 {
      await #expect(throws: Fault.self) { try await gate.run { () async throws(Fault) in throw Fault() } }
    }
    let answer = await gate.run { 7 }

    #expect(answer == 7)
  }

  private actor Meter {
    private var inside = 0
    private(set) var most = 0
    private(set) var passed = 0

    func enter() {
      inside += 1
      most = max(most, inside)
    }

    func leave() {
      inside -= 1
      passed += 1
    }
  }
}

@Suite struct CoalescedWorkTests {
  @Test func answersEachRequestOnceAndInBoundedBatches() async {
    let batches = Batches()
    let work = CoalescedWork<Int, Int>(limit: 10) { requests in
      await batches.note(requests.count)
      await Task.yield()
      return requests.map { $0 * 2 }
    }

    let answers = await withTaskGroup(of: Answer.self) { group in
      for number in 0..<500 {
        group.addTask {
          let double = await work(number)
          return Answer(number: number, double: double)
        }
      }
      var answers: [Int: Int] = [:]
      for await answer in group { answers[answer.number] = answer.double }
      return answers
    }

    #expect(answers.count == 500)
    #expect(answers.allSatisfy { $0.value == $0.key * 2 })
    #expect(await batches.largest <= 10)
    #expect(await batches.total == 500)
  }

  @Test func aCallerAloneIsAnsweredAtOnceEachTime() async {
    let work = CoalescedWork<String, String>(limit: 4) { $0.map { $0 + "!" } }

    let first = await work("a")
    let second = await work("b")

    #expect(first == "a!")
    #expect(second == "b!")
  }

  private struct Answer: Sendable {
    var number: Int
    var double: Int
  }

  private actor Batches {
    private(set) var largest = 0
    private(set) var total = 0

    func note(_ count: Int) {
      largest = max(largest, count)
      total += count
    }
  }
}
