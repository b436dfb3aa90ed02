import Appliance
import Fleet

/// One node's part in a rollout or a rollback: what is to be done there, and the session to do it over.
struct NodeWork: Sendable {
  let link: NodeLink
  let work: RolloutWork

  /// Has the node do one step.
  ///
  /// - Parameter prelude: done right before, once it is this step's turn.
  func answer(
    to script: (RolloutWork) -> RemoteScript, after prelude: @Sendable () async -> Void = {}
  ) async throws(Failure) -> NodeAnswer {
    let script = script(work)
    return try work.read(try await link.run(script, after: prelude), of: script)
  }

  /// Has the node show what it uses.
  func evidence(from script: (RolloutWork) -> RemoteScript) async throws(Failure) -> [Evidence] {
    let script = script(work)
    return try work.readEvidence(try await link.run(script), of: script)
  }

  /// Takes away what the steps needed on the node, with what was staged unless that is what is served now; throws where something is left.
  func cleanUp(succeeded: Bool, spent: [AttemptID] = []) async throws(Failure) {
    let script = work.cleanUp(succeeded: succeeded, spent: spent, nonce: .fresh())
    if let left = try work.readCleanUp(try await link.run(script), of: script).first {
      throw Failure(.stageRefused, left, node: link.node.id)
    }
  }
}

extension PairSession {
  /// The session with a node of this pair, with what a rollout does there.
  func work(
    on id: NodeID, rollout: RolloutID, files: [BatchFile] = [], roles: RolloutWork.ExpectedRoles? = nil
  ) async throws(Failure) -> NodeWork {
    guard let link = links[id], let facts = await facts.of(id) else {
      throw Failure(.nodeUnreachable, "\(id) was not asked what it can do", node: id)
    }
    return NodeWork(
      link: link,
      work: RolloutWork(node: link.node, facts: facts, rollout: rollout, files: files, roles: roles))
  }
}
