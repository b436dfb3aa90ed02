import Appliance
public import Fleet
import Foundation
import Journal
import SSH

/// What `takeover` did.
public struct Takeover: Sendable, Encodable {
  /// The id that marks on nodes will carry.
  public var controller: String
  /// Whether that id is new: the state was used elsewhere before.
  public var isNew: Bool
  /// The pairs.
  public var pairs: [PairID]
  /// Their nodes.
  public var nodes: [NodeLine] = []

  /// What was found on one node.
  public struct NodeLine: Sendable, Encodable {
    /// Which.
    public var node: NodeID
    /// Marks of others, or of a later journal, that are accepted now.
    public var accepted: [NodeMark] = []
    /// Why it could not be asked.
    public var failure: String?
  }

  /// For people.
  public var text: String {
    let origin = isNew ? ", a new id: it works with a state that was used elsewhere before." : "."
    var lines = ["This controller is \(controller)\(origin)"]
    for node in nodes {
      if let failure = node.failure {
        lines.append("\(node.node): could not be asked: \(Printable.terminal(failure))")
        lines.append("    -> where somebody else worked there meanwhile, say takeover again once it answers")
      } else if node.accepted.isEmpty {
        lines.append("\(node.node): nobody else worked there")
      } else {
        for mark in node.accepted {
          let other = Printable.terminal(mark.controller)
          lines.append("\(node.node): taken over from controller \(other), at event \(mark.position) of its journal")
        }
      }
    }
    return lines.joined(separator: "\n")
  }
}

extension Workplace {
  /// Says that this controller is the one for these pairs: whoever worked there before is accepted, and is held back itself from now on by the
  /// marks that this one leaves.
  public func takeOver(_ ids: [String], all: Bool) async throws(CommandFault) -> Takeover {
    let chosen = try find(pairs: all ? [] : ids)
    let state = try fleetState()
    let known = try? controller()  // one that cannot be read is written anew
    let here = ControllerIdentity.Home(of: journal.path)
    let isHome = known.map { here.difference(from: $0.home) == nil } ?? false
    let identity = isHome ? known ?? .fresh(of: journal.path) : .fresh(of: journal.path)
    var takeover = Takeover(controller: identity.id, isNew: known != nil && !isHome, pairs: chosen)
    var accepted: [AcceptedMark] = []
    for found in await marks(on: inventory.pairs.filter { chosen.contains($0.id) }, state) {
      var line = Takeover.NodeLine(node: found.node)
      switch found.marks {
      case .failure(let failure): line.failure = failure.detail
      case .success(let marks):
        for mark in marks where try !journaled(try journal.knows(mark)) {
          line.accepted.append(mark)
          accepted.append(AcceptedMark(node: found.node, controller: mark.controller, word: mark.word))
        }
      }
      takeover.nodes.append(line)
    }
    let others = Set(accepted.map(\.node))
    let spoiled = Set(inventory.pairs.filter { $0.nodes.contains { others.contains($0.id) } }.map(\.id))
    let overwrites = state.certificates.values.map(\.spec).filter { spoiled.contains($0.pair) }.map(\.id).sorted()
    try await record([
      .takenOver(controller: identity.id, pairs: chosen, marks: accepted, overwrites: overwrites)
    ])
    try await bind(identity)
    return takeover
  }

  private struct FoundMarks: Sendable {
    var node: NodeID
    var marks: Result<[NodeMark], Failure>
  }

  private func marks(on pairs: [Pair], _ state: FleetState) async -> [FoundMarks] {
    let client = SSHClient()
    let targets = NodeTargets(state: state)
    let gate = Gate(limit: inventory.pace.nodesInFlight)
    let nodes = pairs.flatMap(\.nodes)
    let found = await withTaskGroup(of: FoundMarks.self) { group in
      for node in nodes {
        group.addTask { [clock] in
          let link = NodeLink(node: node, client: client, nodes: gate) { () async throws(Failure) in
            try await targets.target(of: node)
          }
          let facts = await link.facts(clock)
          await link.close()
          return FoundMarks(node: node.id, marks: facts.map { $0.marks ?? [] })
        }
      }
      return await group.reduce(into: [NodeID: FoundMarks]()) { $0[$1.node] = $1 }
    }
    await client.shutdown()
    return nodes.compactMap { found[$0.id] }
  }

  /// Puts a backup into an empty state directory, under a new id: the nodes may have seen a later journal.
  ///
  /// - Throws: `.badInput` where the file is no journal, `.couldNotRun` where a journal is there already.
  public static func restore(
    from file: String, inventory path: String, state: String?, clock: any TimeSource = SystemClock()
  ) async throws(CommandFault) -> String {
    let inventory = try readInventory(path, state: state).inventory
    try journaled(try JournalStore.restore(from: file, into: inventory.state, hash: digest))
    let place = try open(inventory: path, state: state, clock: clock)
    let identity = ControllerIdentity.fresh(of: place.journal.path)
    try await place.record([.takenOver(controller: identity.id, pairs: [], marks: [], overwrites: [])])
    try await place.bind(identity)
    let head = try journaled(try place.journal.head()).sequence
    return "Restored \(head - 1) events into \(inventory.state); this controller is \(identity.id) now. "
      + "Only the nodes know what was done since that backup: certfleet takeover --all, then certfleet run."
  }
}
