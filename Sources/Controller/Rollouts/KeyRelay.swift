import Appliance
import Fleet
import PKI

/// Brings private keys from where they lie to the nodes of one rollout, sealed for a recipient that each node makes for it.
struct KeyRelay {
  let rollout: RolloutID
  let pair: PairSession

  /// Has the keys of these certificates sealed for a node that does not hold them.
  func seal(
    _ certificates: [CertificateState], from owner: NodeID, to node: NodeID
  ) async -> Result<[AttemptID: Result<String, Failure>], Failure> {
    if owner == .controller { return await sealHere(certificates, to: node) }
    guard let source = pair.links[owner], let target = pair.links[node] else {
      return .failure(Failure(.keyLost, "\(owner) is no longer in the inventory", node: owner))
    }
    let keys = certificates.compactMap(\.issued).map { (attempt: $0.attempt, publicKeySHA256: $0.publicKeySHA256) }
    do throws(Failure) {
      let recipient = try await recipient(target)
      let sealing = KeyWork.seal(keys, to: recipient, rollout: rollout, on: source.node, nonce: .fresh())
      let answer = try await source.run(sealing)
      return .success(try KeyWork.readSealed(answer, of: sealing, keys: keys.map(\.attempt)))
    } catch {
      return .failure(error)
    }
  }

  private func recipient(_ target: NodeLink) async throws(Failure) -> String {
    do throws(Failure) {
      let asking = KeyWork.recipient(rollout, on: target.node, nonce: .fresh())
      return try KeyWork.readRecipient(try await target.run(asking), of: asking)
    } catch {
      throw error.on(target.node.id, name: nil)
    }
  }

  /// Keys that lie on the controller reach every node the way that a peer's do: sealed for a recipient that the node made for this rollout.
  private func sealHere(
    _ certificates: [CertificateState], to node: NodeID
  ) async -> Result<[AttemptID: Result<String, Failure>], Failure> {
    guard let keys = pair.controllerKeys, let target = pair.links[node] else {
      return .failure(Failure(.keyLost, "\(pair.pair.id) no longer has its keys on the controller"))
    }
    let recipient: String
    do throws(Failure) {
      recipient = try await self.recipient(target)
    } catch {
      return .failure(error)
    }
    var sealed: [AttemptID: Result<String, Failure>] = [:]
    for issued in certificates.compactMap(\.issued) {
      sealed[issued.attempt] = await keys.seal(
        issued.attempt, publicKeySHA256: issued.publicKeySHA256, for: recipient)
    }
    return .success(sealed)
  }
}
