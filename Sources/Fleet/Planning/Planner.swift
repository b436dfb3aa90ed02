public import Foundation

/// Compares what is wanted with what is.
public enum Planner {
  /// One change for each wanted certificate, sorted by id.
  public static func plan(_ state: FleetState, inventory: Inventory, at now: Date) -> Plan {
    let pairs = Dictionary(uniqueKeysWithValues: inventory.pairs.map { ($0.id, $0) })
    let changes = state.certificates.values.map { certificate in
      let (action, reason) = decide(
        certificate, pair: pairs[certificate.spec.pair], isPaused: state.isPaused(certificate.spec.pair, at: now),
        at: now)
      return PlannedChange(spec: certificate.spec.id, action: action, reason: reason)
    }
    return Plan(at: now, changes: changes.sorted { $0.spec < $1.spec })
  }

  /// The one decision about one certificate.
  ///
  /// - Parameter isFresh: it was issued in this run: it is never due in it, or a run would feed itself where a clock is wrong or the CA's own
  ///   certificate near its end.
  public static func decide(
    _ certificate: CertificateState, pair: Pair?, isPaused: Bool, isFresh: Bool = false, at now: Date
  ) -> (Action, Reason) {
    guard let pair else { return (.blocked, .unknownPair) }
    let (action, reason) = wish(certificate, pair: pair, isFresh: isFresh, at: now)
    guard action != .keep else { return (action, reason) }
    if isPaused { return (.blocked, .paused) }
    // An order for a place that a stranger's file takes would be spent for nothing: the rollout would be refused.
    if action == .renew || action == .issue, certificate.isTakenByStranger,
      case .report(let kind, _) = pair.drift.verdict(certificate)
    {
      return (.blocked, .driftLeft(kind))
    }
    if let failure = certificate.lastFailure, let notBefore = certificate.notBefore, notBefore > now {
      return failure.kind.retry == .byHand
        ? (.blocked, .heldForOperator(failure.kind)) : (.blocked, .waiting(until: notBefore, failure.kind))
    }
    return (action, reason)
  }

  /// What would be done if nothing held it back.
  static func wish(
    _ certificate: CertificateState, pair: Pair, isFresh: Bool = false, at now: Date
  ) -> (Action, Reason) {
    if let attempt = certificate.attempt {
      return (certificate.issued == nil ? .issue : .renew, attempt.state == .makingKey ? .new : .unfinished)
    }
    guard let issued = certificate.issued else { return (.issue, .new) }
    guard certificate.issuedRevision == certificate.revision else { return (.issue, .revised) }
    guard isFresh || issued.dueAt > now else { return (.renew, .due(notAfter: issued.notAfter)) }
    if !isFresh, let early = pair.maintenance.renewsEarly(due: issued.dueAt, danger: issued.dangerAt), early <= now,
      // Once: what was issued since the early date is as young as it can be.
      issued.notBefore < early
    {
      return (.renew, .beforeFreeze(notAfter: issued.notAfter))
    }
    guard certificate.served == issued.attempt else { return (.redeploy, .notServed) }
    for node in pair.nodes where certificate.installations[node.id]?.attempt != issued.attempt {
      return (.redeploy, .owed(node: node.id))
    }
    if case .heal(let kind, let node) = pair.drift.verdict(certificate) {
      return (.redeploy, .drifted(kind, node: node))
    }
    return (.keep, .valid(dueAt: issued.dueAt))
  }
}
