import Appliance
import Fleet

/// Keeps the file of names for which the static rule of a pair answers: exactly the wanted ones, on every node.
actor HostsRule {
  private let nodes: [NodeID]
  private let write: Write
  private var names: Set<String>
  /// The nodes that hold all names.
  private var told: Set<NodeID> = []

  /// Has a node's file hold exactly these names.
  typealias Write = @Sendable (_ names: Set<String>, _ node: NodeID) async -> Failure?

  /// - Parameter names: every name that is wanted on the pair.
  init(links: [NodeLink], names: Set<String>) {
    let byID = Dictionary(uniqueKeysWithValues: links.map { ($0.node.id, $0) })
    self.init(nodes: links.map(\.node.id), names: names) { names, node in
      guard let link = byID[node] else { return nil }
      return await Self.write(names, on: link)
    }
  }

  /// The same, with the nodes' files written as a test says.
  init(nodes: [NodeID], names: Set<String>, write: @escaping Write) {
    self.nodes = nodes
    self.names = names
    self.write = write
  }

  /// Returns once the nodes answer for these names; a name that was imported during the run is added.
  ///
  /// A node that cannot be reached now is told with the next order. One that answers and refuses is a failure of the order.
  ///
  /// - Parameter silent: nodes that did not answer the last survey: trying them would only wait for a time-out.
  func allow(_ wanted: [String], except silent: Set<NodeID> = []) async -> Failure? {
    if !names.isSuperset(of: wanted) { told = [] }
    names.formUnion(wanted)
    let (all, write) = (names, write)
    let untold = nodes.filter { !told.contains($0) && !silent.contains($0) }
    let answers = await withTaskGroup(of: Answer.self) { group in
      for node in untold {
        group.addTask {
          let failure = await write(all, node)
          return Answer(node: node, failure: failure)
        }
      }
      return await group.reduce(into: []) { $0.append($1) }
    }
    told.formUnion(answers.filter { $0.failure == nil }.map(\.node))
    return answers.compactMap(\.failure).first { $0.kind == .stageRefused || $0.kind == .diskFull }
  }

  private struct Answer: Sendable {
    var node: NodeID
    var failure: Failure?
  }

  private static func write(_ names: Set<String>, on link: NodeLink) async -> Failure? {
    guard case .thumbprint(let path, _) = link.node.challenge else { return nil }
    do throws(Failure) {
      let script = HostsFile.script(names, path: path, on: link.node, nonce: .fresh())
      let answer = try HostsFile.read(try await link.run(script), of: script)
      guard answer.added == nil, let reason = answer.reason else { return nil }
      return Failure(
        .stageRefused, "\(path) holds the names, but HAProxy must be reloaded once to know them: \(reason)",
        node: link.node.id)
    } catch {
      return error.on(link.node.id, name: nil)
    }
  }
}
