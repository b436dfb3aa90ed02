/// What a report needs of a run's records: a run's memory does not grow with what it has done.
extension Record {
  /// The record as a report reads it, without chains; nil where no report does.
  public var forReport: Record? {
    switch event {
    case .issued(let of, var certificate):
      certificate.chain = []
      return Record(sequence: sequence, at: at, sweep: sweep, event: .issued(of: of, certificate: certificate))
    case .attemptFailed(_, let failure):
      switch failure.kind {
      case .rateLimited, .orderLost: return self
      default: return nil
      }
    case .authorityFailing(let authority, _, let failure):
      return Record(
        sequence: sequence, at: at, sweep: sweep,
        event: .authorityFailing(authority: authority, certificates: [], failure: failure))
    case .reloaded, .keysRemoved, .driftSeen, .driftGone: return self
    case .specAdded, .specChanged, .specRemoved, .specMoved, .pairMoved, .nodeMoved, .pairPaused, .pairHeld,
      .pairResumed, .retryAsked, .hostKeysPinned, .renewalAsked, .nodeSurveyed, .nodeTroubled, .nodeHealed,
      .pairTroubled, .pairHealed, .accountRegistered, .sweepStarted, .sweepEnded, .attemptStarted, .keyMade,
      .orderRequested, .orderCreated, .finalizeRequested, .specVetoed, .rolloutStarted, .rolloutStepped, .ejected,
      .installed, .served, .rolloutEnded, .rollbackStarted, .rolledBack, .rollbackFailed, .marked, .takenOver,
      .mailQueued, .mailSent, .mailFailed:
      return nil
    }
  }
}
