import Foundation

/// What a CA that fails every order means to a run.
extension Dispatcher {
  /// Why the CA is asked for one certificate at a time, if it is.
  public var authorityFailing: AuthorityFuse.Blown? { fuse.blown }

  /// What is to be recorded because of what was learnt.
  public mutating func takeEvents() -> [Event] {
    defer { events = [] }
    return events
  }

  /// What a record says of the CA; must run before it is folded.
  mutating func watchAuthority(_ record: Record) {
    switch record.event {
    case .issued(let of, _):
      guard let certificate = state.certificates[of.spec] else { return }
      let wasBlown = fuse.blown != nil
      fuse.succeeded(certificate)
      if wasBlown { dirty.formUnion(state.certificates.keys) }
    case .attemptFailed(let of, let failure):
      guard let certificate = state.certificates[of.spec], let attempt = certificate.attempt, attempt.id == of.attempt,
        let authority = certificate.attemptAuthority
      else { return }
      let hasAsked =
        switch attempt.state {
        case .makingKey, .requestingOrder: false
        case .ordering, .validating, .finalizing, .issued, .failed: true
        }
      let innocent = fuse.failed(certificate, failure, hasAsked: hasAsked, at: record.at)
      guard !innocent.isEmpty, let cause = fuse.blown?.cause else { return }
      events.append(.authorityFailing(authority: authority, certificates: innocent, failure: cause))
    case .authorityFailing(_, let specs, _):
      for spec in specs { faults.forget(spec) }
    default: break
    }
  }

  /// While the CA fails every order: the one that is tried. Those in danger go first, by expiry; but where all that failed were one customer's,
  /// another's says more. Each is tried once before any again: a name has few failures with the CA.
  mutating func singleOrder(at now: Date) -> Decision {
    scheduler.ring(at: now.microseconds)
    let ready = scheduler.ready.sorted { left, right in
      if left.looksBad != right.looksBad { return right.looksBad }
      let tried = [left, right].map { fuse.blown?.tried.contains($0.spec) == true }
      if tried[0] != tried[1] { return tried[1] }
      let witnesses = [left, right].map { fuse.isWitness($0) }
      if witnesses[0] != witnesses[1] { return witnesses[0] }
      let dangers = [left, right].map { $0.isUrgent || $0.dangerAt.map { $0 <= now } == true }
      if dangers[0] != dangers[1] { return dangers[0] }
      let expiries = [left, right].map { $0.expiry ?? .distantFuture }
      return expiries[0] == expiries[1] ? left.spec < right.spec : expiries[0] < expiries[1]
    }
    let attempt: AttemptID = random.id("a")
    for candidate in ready {
      if let lease = scheduler.pick(candidate.spec, at: now, ledger: &ledger, attempt: attempt) { return .start(lease) }
    }
    return scheduler.next(at: now, ledger: &ledger, attempt: attempt)
  }

  /// While ten failures in a row may be the CA's fault or that of the few domains or pairs they are of: an order of another one. Nil while one may
  /// still come; where none does, the rest goes on.
  mutating func witness(at now: Date) -> Decision? {
    scheduler.ring(at: now.microseconds)
    let attempt: AttemptID = random.id("a")
    for candidate in scheduler.ready.sorted(by: { $0.spec < $1.spec }) where !candidate.looksBad {
      guard let certificate = state.certificates[candidate.spec], fuse.isApart(certificate) else { continue }
      if let lease = scheduler.pick(candidate.spec, at: now, ledger: &ledger, attempt: attempt) { return .start(lease) }
    }
    guard looks.looking.isEmpty, !looks.isAwaited, pairLooks.isIdle, !standings.values.contains(.surveying) else {
      return nil
    }
    return scheduler.next(at: now, ledger: &ledger, attempt: attempt)
  }
}
