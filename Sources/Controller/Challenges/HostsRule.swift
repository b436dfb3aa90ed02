import Appliance
import Fleet

/// Keeps the file of names for which the static rule of a pair answers: exactly the wanted ones, on every node.
actor HostsRule {
  private let links: [NodeLink]
  private var names: Set<String>
  /// The nodes that hold all names.
  private var told: Set<NodeID> = []

  /// - Parameter names: every name that is wanted on the pair.
  init(links: [NodeLink], names: Set<String>) {
    self.links = links
    self.names = names
  }

  /// Returns once the nodes answer for these names; a name that was imported during the run is added.
  ///
  /// A node that cannot be reached now is told with the next order. One that answers and refuses is a failure of the order.
  ///
  /// - Parameter silent: nodes that did not answer the last survey: trying them would only wait for a time-out.
  func allow(_ wanted: [String], except silent: Set<NodeID> = []) async -> Failure? {
    if !names.isSuperset(of: wanted) { told = [] }
    names.formUnion(wanted)
    let all = names
    let untold = links.filter { !told.contains($0.node.id) && !silent.contains($0.node.id) }
    let answers = await withTaskGroup(of: Answer.self) { group in
      for link in untold {
        group.addTask {
          let failure = await Self.write(all, on: link)
          return Answer(node: link.node.id, failure: failure)
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
