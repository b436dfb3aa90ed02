import Appliance
import Fleet

/// Keeps the file of names for which the static rule of a pair answers: exactly the wanted ones, on every node.
actor HostsRule {
  private let links: [NodeLink]
  private var names: Set<String>
  private var isWritten = false

  /// - Parameter names: every name that is wanted on the pair.
  init(links: [NodeLink], names: Set<String>) {
    self.links = links
    self.names = names
  }

  /// Returns once the nodes answer for these names; a name that was imported during the run is added.
  ///
  /// A node that cannot be reached is left out: the survey tells of it. One that answers and refuses is a failure of the order.
  func allow(_ wanted: [String]) async -> Failure? {
    guard !isWritten || !names.isSuperset(of: wanted) else { return nil }
    names.formUnion(wanted)
    let all = names
    let failures = await withTaskGroup(of: Failure?.self) { group in
      for link in links { group.addTask { await Self.write(all, on: link) } }
      var failures: [Failure] = []
      for await failure in group { if let failure { failures.append(failure) } }
      return failures
    }
    let refusals = failures.filter { $0.kind == .stageRefused || $0.kind == .diskFull }
    isWritten = refusals.isEmpty
    return refusals.first
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
