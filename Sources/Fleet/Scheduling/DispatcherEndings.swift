public import Foundation

/// What the end of an attempt or of a rollout means to the rest of the run.
extension Dispatcher {
  /// An attempt came to its end; its events were learnt before.
  public mutating func attemptEnded(_ spec: SpecID, at now: Date) {
    issuing[spec] = nil
    scheduler.finished(spec)
    fuse.ended(spec)
    dirty.insert(spec)
    guard let certificate = state.certificates[spec] else { return faults.forget(spec) }
    if certificate.attempt != nil {
      // It ended without a word, for a reason of ours: whatever that was, it must not turn in circles.
      faults.hold(spec, after: Failure(.interrupted, "the attempt stopped in the middle"), at: now)
    } else if let failure = certificate.lastFailure, fuse.blown == nil || failure.kind != .authorityFailing {
      faults.hold(spec, after: failure, at: now)
    } else {
      faults.forgetIssuing(spec)
    }
  }

  /// Nothing was begun for it: its pair would refuse what comes of it. It is left alone for the rest of the run, or until a person says `retry`.
  public mutating func refused(_ order: IssueOrder, at now: Date) {
    let spec = order.spec.id
    _ = ledger.release(order.attempt.id, order: .notPlaced, at: now)
    issuing[spec] = nil
    scheduler.finished(spec)
    fuse.ended(spec)
    leavesLeft += 1
    faults.giveUp(spec)
    dirty.insert(spec)
  }

  /// Work that nobody can do: its pair counts as one that does not answer, and the run goes on without it.
  public mutating func giveUp(_ work: Work, at now: Date) {
    let reason = "this run has no session with the pair"
    switch work {
    case .look(let specs): looked(at: specs.map(\.id), [], at: now)
    case .survey(let pair):
      let failure = Failure(.internalError, reason)
      let nodes = pairs[pair]?.nodes.map(\.id) ?? []
      surveyed(
        pair,
        PairSurvey(
          active: [:], unreachable: Dictionary(uniqueKeysWithValues: nodes.map { ($0, failure) }), at: now))
    case .see(let pair, _): seen(pair)
    case .issue(let order) where order.isResumed:
      // What the CA has spent on it stays spent.
      attemptEnded(order.spec.id, at: now)
      faults.giveUp(order.spec.id)
    case .issue(let order): refused(order, at: now)
    case .rollOut(let order): rolloutEnded(order, failure: Failure(.internalError, reason), at: now)
    }
  }

  /// The certificates of a pair for which orders may be made in this run.
  public func orderable(on pair: PairID) -> [CertificateState] {
    let candidates = (issuable[pair] ?? []).union(issuing.filter { $0.value == pair }.keys)
    return candidates.sorted().compactMap { state.certificates[$0] }
  }

  /// A rollout came to its end; its events were learnt before.
  public mutating func rolloutEnded(_ order: RolloutOrder, failure: Failure?, at now: Date) {
    rollingOut.remove(order.pair)
    dirtyAll(of: order.pair)
    let ejected = ejections.removeValue(forKey: order.id) ?? [:]
    let nodes = [order.first, order.second].compactMap(\.self)
    for item in order.items {
      guard let certificate = state.certificates[item.spec], certificate.issuedReference == item else { continue }
      let isProved =
        certificate.served == item.attempt && certificate.standingDrift.isEmpty
        && nodes.allSatisfy { certificate.installations[$0]?.attempt == item.attempt }
      if let own = ejected[item.spec] {
        faults.hold(item.spec, after: own, at: now)
      } else if let failure, failure.kind.retry == .whenHealed || failure.kind.retry == .whenAllowed {
        faults.hold(item.spec, after: failure, at: now)
      } else if failure == nil, isProved {
        faults.forget(item.spec)
      } else {
        // Turned back because of another, or ended without proof: it starts anew, but whatever that was, it must not turn in circles.
        faults.hold(item.spec, after: Failure(.interrupted, "the rollout left it out"), at: now)
      }
    }
    // The roles or the nodes may have changed under the rollout: ask again before anything else is done there.
    if failure != nil { standings[order.pair] = .unknown }
  }
}
