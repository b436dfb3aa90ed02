import Fleet
import Synchronization
import Testing

@testable import Controller

@Suite struct HostsRuleTests {
  private let nodes = [NodeID("a"), NodeID("b")]

  /// Nodes that write down what they are told, and may be out of reach.
  private final class Nodes: Sendable {
    let told = Mutex<[NodeID: Set<String>]>([:])
    let calls = Mutex<[NodeID: Int]>([:])
    let silent = Mutex<Set<NodeID>>([])

    func write(_ names: Set<String>, _ node: NodeID) -> Failure? {
      calls.withLock { $0[node, default: 0] += 1 }
      if silent.withLock({ $0.contains(node) }) { return Failure(.nodeUnreachable, "no answer", node: node) }
      told.withLock { $0[node] = names }
      return nil
    }
  }

  // E4: the active node is out of reach at the first order; with the next one it is told, and the other one is not told again.
  @Test func aNodeThatDidNotAnswerIsToldWithTheNextOrder() async {
    let world = Nodes()
    world.silent.withLock { $0 = [NodeID("a")] }
    let rule = HostsRule(nodes: nodes, names: ["one.example", "two.example"]) { world.write($0, $1) }

    #expect(await rule.allow(["one.example"]) == nil)
    #expect(world.told.withLock { $0.keys.sorted() } == [NodeID("b")])

    world.silent.withLock { $0 = [] }
    #expect(await rule.allow(["two.example"]) == nil)

    #expect(world.told.withLock { $0[NodeID("a")] } == ["one.example", "two.example"])
    #expect(world.calls.withLock { $0 } == [NodeID("a"): 2, NodeID("b"): 1])
  }

  // E4: the same for a node that was left out because it had not answered the survey.
  @Test func aNodeThatWasLeftOutIsToldWithTheNextOrder() async {
    let world = Nodes()
    let rule = HostsRule(nodes: nodes, names: ["one.example"]) { world.write($0, $1) }

    _ = await rule.allow(["one.example"], except: [NodeID("a")])
    #expect(world.told.withLock { $0[NodeID("a")] } == nil)
    _ = await rule.allow(["one.example"])

    #expect(world.told.withLock { $0[NodeID("a")] } == ["one.example"])
  }

  @Test func aNodeThatRefusesIsAFailureAndIsAskedAgain() async {
    let count = Mutex(0)
    let rule = HostsRule(nodes: [NodeID("a")], names: ["one.example"]) { (_, node) in
      count.withLock { $0 += 1 }
      return Failure(.diskFull, "no space left", node: node)
    }

    #expect(await rule.allow(["one.example"])?.kind == .diskFull)
    #expect(await rule.allow(["one.example"])?.kind == .diskFull)
    #expect(count.withLock { $0 } == 2)
  }
}
