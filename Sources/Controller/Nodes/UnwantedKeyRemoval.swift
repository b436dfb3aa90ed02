import Appliance
import Fleet
import Journal

/// Keys that nobody needs any more go with a survey, unless a certificate in use on that node holds them.
extension PairSession {
  /// Old keys that the journal does not know: it may have been restored, or another controller may have made them.
  func note(oldKeys: [AttemptID], on node: NodeID) throws(JournalError) {
    if oldKeys.isEmpty { return }
    let known = try recorder.journal.knownAttempts(of: pair.id).union(unwanted[node] ?? [])
    unwanted[node, default: []] += oldKeys.filter { !known.contains($0) }
  }

  func removeUnwantedKeys(on id: NodeID) async -> [Event] {
    guard let attempts = unwanted[id], !attempts.isEmpty, let link = links[id] else { return [] }
    do throws(Failure) {
      let script = KeyWork.removeUnwanted(attempts, on: link.node, nonce: .fresh())
      let answer = try KeyWork.readRemoved(try await link.run(script), of: script, attempts: attempts)
      unwanted[id] = attempts.filter { answer.kept[$0] != nil }
      return answer.gone.isEmpty ? [] : [.keysRemoved(node: id, attempts: answer.gone)]
    } catch {
      // The next survey asks again.
      return []
    }
  }

  /// The controller's copy goes last: once no node uses the key any more.
  func removeUnwantedKeysHere() async -> [Event] {
    guard let controllerKeys else { return [] }
    let used = Set(links.keys.flatMap { unwanted[$0] ?? [] })
    let attempts = (unwanted[.controller] ?? []).filter { !used.contains($0) }
    guard !attempts.isEmpty, case .success = await controllerKeys.remove(attempts) else { return [] }
    unwanted[.controller]?.removeAll { !used.contains($0) }
    return [.keysRemoved(node: .controller, attempts: attempts)]
  }
}
