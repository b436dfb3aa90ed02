import Appliance
import Fleet
import Foundation
import Net

/// Runs steps that may reload a node, and looks from outside what that does to new connections.
struct ReloadDesk: Sendable {
  let pair: PairSession
  let verifier: Verifier

  /// Runs one step. Where it is sure to reload something, handshakes are made with that listener all the while; a hot update is left alone.
  ///
  /// - Parameters:
  ///   - there: the node.
  ///   - certificates: those of the step.
  ///   - neighbour: another one that this pair serves, for a batch of which it serves none yet.
  /// - Returns: what the node said, and the reloads that the step cost.
  func run(
    _ script: (RolloutWork) -> RemoteScript, _ there: NodeWork, _ certificates: [CertificateState],
    neighbour: CertificateSpec? = nil
  ) async throws(Failure) -> (answer: NodeAnswer, reloads: [Reload]) {
    let work = there.work
    let watches = await watches(work, certificates, neighbour)
    let (turn, itsTurn) = AsyncStream.makeStream(of: Void.self)
    // Left without being waited for, it is cancelled: of a step that failed nobody knows what it reloaded.
    async let handshakes = Self.run(watches, after: turn)
    let answer = try await there.answer(to: script) {
      for watch in watches.values { await watch.begin() }
      itsTurn.finish()
    }
    let found = answer.reloads.filter { $0.count > 0 && work.node.terminations.indices.contains($0.termination) }
    guard !found.isEmpty else { return (answer, []) }
    for watch in watches.values { await watch.end() }
    let seen = await handshakes
    let reloads = found.map { reload in
      let termination = work.node.terminations[reload.termination]
      return Reload(
        program: termination.program, count: reload.count, milliseconds: reload.milliseconds,
        certificates: certificates.count { termination.vips?.contains($0.spec.vip) ?? true }, reason: reload.reason,
        handshakes: seen[reload.termination]
          ?? .notMeasured(reason: work.reloading.contains(reload.termination) ? Self.unreachable : Self.unexpected))
    }
    return (answer, reloads)
  }

  private static let unreachable = "this node has no address of its own (`probe:`), and does not hold the VIP"
  private static let unexpected = "nobody expected this reload"

  /// One for each termination that this step reloads for sure, where it can be reached.
  private func watches(
    _ work: RolloutWork, _ certificates: [CertificateState], _ neighbour: CertificateSpec?
  ) async -> [Int: ReloadWatch] {
    var watches: [Int: ReloadWatch] = [:]
    for index in work.reloading {
      guard let place = await place(of: index, on: work.node, certificates, neighbour) else { continue }
      watches[index] = ReloadWatch(place, probe: verifier.probe, clock: verifier.clock)
    }
    return watches
  }

  private static func run(
    _ watches: [Int: ReloadWatch], after turn: AsyncStream<Void>
  ) async -> [Int: ReloadHandshakes] {
    for await _ in turn {}
    return await withTaskGroup(of: Watched.self) { group in
      for (index, watch) in watches {
        group.addTask {
          let handshakes = await watch.run()
          return Watched(index: index, handshakes: handshakes)
        }
      }
      return await group.reduce(into: [:]) { $0[$1.index] = $1.handshakes }
    }
  }

  private struct Watched: Sendable {
    var index: Int
    var handshakes: ReloadHandshakes
  }

  /// Where the node itself answers, as it is looked at after the step; without such an address the VIP, while the node holds it.
  private func place(
    of index: Int, on node: Node, _ certificates: [CertificateState], _ neighbour: CertificateSpec?
  ) async -> ReloadWatch.Place? {
    let termination = node.terminations[index]
    let held = certificates.filter { termination.vips?.contains($0.spec.vip) ?? true }
    let served = held.filter { $0.installations[node.id] != nil }.map(\.spec)
    // A name that the node does not know yet is answered with its default certificate, which is a handshake as well.
    let specs = served + [neighbour].compactMap(\.self) + held.map(\.spec)
    func place(_ address: String, _ port: UInt16, _ spec: CertificateSpec?) -> ReloadWatch.Place? {
      spec.map { ReloadWatch.Place(address: address, port: port, asking: $0, at: termination) }
    }
    if let probe = termination.probe { return place(probe.address, probe.port, specs.first) }
    for vip in pair.pair.vips where termination.vips?.contains(vip.id) ?? true {
      guard case .node(node.id) = await pair.activeNode(for: vip.id, atMost: 5) else { continue }
      return place(vip.address, vip.httpsPort, specs.first { $0.vip == vip.id } ?? specs.first)
    }
    return nil
  }
}
