import Foundation

/// Which attempts start now: those that an earlier run left open, then what the CA's limits allow.
extension Dispatcher {
  mutating func resumptions(at now: Date) -> [Work] {
    var works: [Work] = []
    for id in unfinished.sorted() where issuing.count < inventory.pace.attemptsInFlight && mayOrder {
      guard let certificate = state.certificates[id], let attempt = certificate.attempt else { continue }
      unfinished.remove(id)
      issuing[id] = certificate.spec.pair
      fuse.started(certificate, looksBad: true, at: now)
      works.append(
        .issue(
          IssueOrder(
            spec: certificate.spec, attempt: attempt, revision: certificate.attemptRevision, isResumed: true,
            buckets: [])))
    }
    return works
  }

  mutating func leases(at now: Date) -> [Work] {
    var works: [Work] = []
    waiting = nil
    if leavesLeft > 0, let until = quiet.until, until > now {
      if scheduler.waitingCount > 0 { waiting = Waiting(until: until, boundBy: .authority) }
      return []
    }
    if fuse.isHopeless(at: now) { stopOrdering() }
    while leavesLeft > 0 {
      let decision: Decision
      switch fuse.leave(inFlight: issuing.count, at: now) {
      case .asMany:
        let attempt: AttemptID = random.id("a")
        decision = scheduler.next(at: now, ledger: &ledger, attempt: attempt)
      case .one: decision = singleOrder(at: now)
      case .witness:
        guard let found = witness(at: now) else { return works }
        decision = found
      case .whenOneEnds: return works
      case .later(let until):
        if scheduler.waitingCount > 0 { waiting = Waiting(until: until, boundBy: .failing) }
        return works
      }
      switch decision {
      case .start(let lease):
        guard let certificate = state.certificates[lease.spec] else {
          scheduler.finished(lease.spec)
          continue
        }
        if !isSeenLately(certificate, at: now) {
          giveBack(lease, at: now)
          if looks.isCrowded(inventory.pace.attemptsInFlight) { return works }
          continue
        }
        countDoubted(lease.spec, at: now)
        countByClock(lease.spec)
        fuse.started(certificate, looksBad: hasOwnFailure(certificate), at: now)
        leavesLeft -= 1
        issuing[lease.spec] = certificate.spec.pair
        works.append(
          .issue(
            IssueOrder(
              spec: certificate.spec,
              attempt: Attempt(id: lease.attempt, spec: certificate.spec.id, names: certificate.spec.names),
              revision: certificate.revision, isResumed: false,
              reuse: pairs[certificate.spec.pair]?.reusesKeys == true ? certificate.reusableKey : nil,
              buckets: lease.rows)))
      case .wait(let until, let boundBy):
        waiting = Waiting(until: until, boundBy: boundBy)
        return works
      case .idle:
        return works
      }
    }
    return works
  }
}
