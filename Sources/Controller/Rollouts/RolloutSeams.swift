import Appliance
import Fleet
import Foundation
import Journal

/// How a walk has its nodes do things.
extension RolloutWalk {
  func work(
    on id: NodeID, _ certificates: [CertificateState], roles: RolloutWork.ExpectedRoles? = nil
  ) async throws(Failure) -> NodeWork {
    let files = certificates.compactMap { certificate in
      certificate.issued.map { issued in
        BatchFile(
          issued, of: certificate.spec, sha1: issued.leafSHA1, sealedKey: sealed[id]?[issued.attempt],
          expected: .init(replacing: certificate, on: id, ever: ever, drift: pair.pair.drift))
      }
    }
    return try await pair.work(on: id, rollout: order.id, files: files, roles: roles)
  }

  func run(on id: NodeID, _ script: (RolloutWork) -> RemoteScript) async -> Result<NodeAnswer, Failure> {
    do throws(Failure) {
      let answer = try await work(on: id, batch).answer(to: script)
      return .success(answer)
    } catch {
      return .failure(error)
    }
  }

  /// A step that may reload the node. What reloading took is recorded, with what new connections met meanwhile.
  func reload(
    _ id: NodeID, _ certificates: [CertificateState], roles: RolloutWork.ExpectedRoles? = nil,
    _ script: (RolloutWork) -> RemoteScript
  ) async throws(JournalError) -> Result<NodeAnswer, Failure> {
    let done: (answer: NodeAnswer, reloads: [Reload])
    do throws(Failure) {
      let desk = ReloadDesk(pair: pair, verifier: deployer.verifier)
      done = try await desk.run(
        script, try await work(on: id, certificates, roles: roles), certificates, neighbour: neighbour)
    } catch {
      return .failure(error)
    }
    if !done.reloads.isEmpty {
      try await deployer.recorder.record(done.reloads.map { .reloaded(rollout: order.id, node: id, reload: $0) })
    }
    return .success(done.answer)
  }

  func evidence(
    on id: NodeID, _ certificates: [CertificateState], _ script: (RolloutWork) -> RemoteScript
  ) async -> Result<[Evidence], Failure> {
    do throws(Failure) {
      let evidence = try await work(on: id, certificates).evidence(from: script)
      return .success(evidence)
    } catch {
      return .failure(error)
    }
  }
}
