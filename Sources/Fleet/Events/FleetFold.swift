public import Foundation

/// One row of the journal, with what the fold needs besides the event.
public struct Record: Sendable, Equatable {
  /// The position in the journal, from 1 without gaps.
  public var sequence: Int64
  /// When it was recorded, whole seconds UTC.
  public var at: Date
  /// The run that recorded it; nil for what people said.
  public var sweep: SweepID?
  /// What happened.
  public var event: Event

  /// Collects the parts.
  public init(sequence: Int64, at: Date, sweep: SweepID?, event: Event) {
    self.sequence = sequence
    self.at = at
    self.sweep = sweep
    self.event = event
  }
}

/// Which rows of the present state an event may change.
public enum Subject: Sendable, Hashable {
  case certificate(SpecID)
  case pair(PairID)
  case node(NodeID)
  case account(AuthorityID)
}

extension Event {
  /// The rows of the present state that this event may change: the journal loads them, folds, and writes them back in the same transaction.
  public var subjects: [Subject] {
    switch self {
    case .specAdded(let spec), .specChanged(let spec): [.certificate(spec.id)]
    case .specMoved(let from, let spec): [.certificate(from), .certificate(spec.id)]
    case .pairMoved(let from, let to): [.pair(from), .pair(to)]
    case .nodeMoved(let from, let to, let certificates):
      [.node(from), .node(to)] + certificates.map { .certificate($0) }
    case .specRemoved(let spec), .retryAsked(let spec), .specVetoed(let spec, _): [.certificate(spec)]
    case .pairPaused(let pair), .pairHeld(let pair, _, _), .pairResumed(let pair), .pairTroubled(let pair, _),
      .pairHealed(let pair):
      [.pair(pair)]
    case .hostKeysPinned(let node, _), .nodeSurveyed(let node, _), .nodeTroubled(let node, _), .nodeHealed(let node):
      [.node(node)]
    case .accountRegistered(let authority, _, _): [.account(authority)]
    case .attemptStarted(let of, _, _, _), .keyMade(let of, _), .orderRequested(let of), .orderCreated(let of, _),
      .finalizeRequested(let of), .issued(let of, _), .attemptFailed(let of, _):
      [.certificate(of.spec)]
    case .ejected(_, let spec, _), .driftSeen(let spec, _, _), .driftGone(let spec, _, _): [.certificate(spec)]
    case .installed(_, let certificates, _, _), .served(let certificates),
      .rolloutStarted(_, _, let certificates, _, _),
      .rollbackFailed(_, _, let certificates, _):
      certificates.map { .certificate($0.spec) }
    case .rollbackStarted(_, _, _, let certificates), .rolledBack(_, _, let certificates, _, _):
      certificates.map { .certificate($0.of.spec) }
    case .takenOver(_, _, _, let specs), .authorityFailing(_, let specs, _): specs.map { .certificate($0) }
    case .rolloutEnded, .rolloutStepped, .reloaded, .keysRemoved, .marked, .renewalAsked, .sweepStarted, .sweepEnded,
      .mailQueued, .mailSent, .mailFailed:
      []
    }
  }
}

extension FleetState {
  /// Folds one record into the state. The only place where events become state: the runner's memory and the journal's tables both use it.
  ///
  /// - Throws: `IllegalTransition` when an attempt's events come in an order that its machine forbids.
  public mutating func apply(_ record: Record) throws(IllegalTransition) {
    switch record.event {
    // Two imports at the same time may both find it new: the second must not forget what the first one's run did meanwhile.
    case .specAdded(let spec), .specChanged(let spec): change(to: spec)
    case .specMoved(let from, let spec): move(from, to: spec)
    case .pairMoved(let from, let to): move(from, to: to)
    case .nodeMoved(let from, let to, let specs): move(from, to: to, of: specs)
    case .specRemoved(let spec): certificates[spec] = nil
    case .retryAsked(let spec):
      if let certificate = certificates[spec] {
        switch certificate.lastFailure?.kind {
        case .changedByHand, .wouldBeDefault: certificates[spec]?.mayOverwrite = true
        default: if !certificate.standingDrift.isEmpty { certificates[spec]?.mayOverwrite = true }
        }
      }
      certificates[spec]?.forgetFailures()
    case .specVetoed(let spec, let failure): certificates[spec]?.fail(failure, record)
    case .pairPaused(let pair): pairs[pair, default: PairState()].hold = PairHold(since: record.at)
    case .pairHeld(let pair, let until, let reason):
      // Another end or reason is no new pause.
      let earlier = pairs[pair]?.hold.flatMap { $0.isInForce(at: record.at) ? $0.since : nil }
      pairs[pair, default: PairState()].hold = PairHold(since: earlier ?? record.at, until: until, reason: reason)
    case .pairResumed(let pair): pairs[pair, default: PairState()].hold = nil
    case .pairTroubled(let pair, let failure):
      pairs[pair, default: PairState()].trouble = failure
      pairs[pair]?.troubledAt = record.at
    case .pairHealed(let pair):
      pairs[pair]?.trouble = nil
      pairs[pair]?.troubledAt = nil
    case .hostKeysPinned(let node, let keys): nodes[node, default: NodeState()].hostKeys = keys
    case .nodeSurveyed(let node, let facts): nodes[node, default: NodeState()].facts = facts
    case .nodeTroubled(let node, let failure):
      nodes[node, default: NodeState()].trouble = failure
      nodes[node]?.troubledAt = record.at
      nodes[node]?.troubledSweep = record.sweep
    case .nodeHealed(let node):
      nodes[node]?.trouble = nil
      nodes[node]?.troubledAt = nil
      nodes[node]?.troubledSweep = nil
    case .accountRegistered(let authority, let url, let thumbprint):
      accounts[authority] = AccountState(url: url, thumbprint: thumbprint)
    case .attemptStarted(let of, let names, let authority, let revision):
      certificates[of.spec]?.attempt = Attempt(id: of.attempt, spec: of.spec, names: names)
      certificates[of.spec]?.attemptAuthority = authority
      certificates[of.spec]?.attemptRevision = revision
    case .keyMade(let of, let key): try step(of, .keyMade(key), record)
    case .orderRequested(let of): try step(of, .orderRequested, record)
    case .orderCreated(let of, let url): try step(of, .orderCreated(url: url), record)
    case .finalizeRequested(let of): try step(of, .finalizeRequested, record)
    case .issued(let of, let certificate): try step(of, .issued(certificate), record)
    case .attemptFailed(let of, let failure): try step(of, .failed(failure), record)
    case .authorityFailing(_, let specs, let failure): for spec in specs { certificates[spec]?.absolve(failure) }
    case .ejected(_, let spec, let failure): certificates[spec]?.fail(failure, record)
    case .installed(let node, let items, let proof, let reason):
      for item in items {
        guard let issued = certificates[item.spec]?.issued, issued.attempt == item.attempt else { continue }
        certificates[item.spec]?.install(
          Installation(attempt: item.attempt, sha256: issued.sha256, proof: proof, reason: reason, at: record.at),
          on: node)
      }
    case .served(let items):
      for item in items { certificates[item.spec]?.serve(item.attempt, at: record.at) }
    case .rolloutStarted(_, _, let items, let first, let second):
      for item in items {
        guard let issued = certificates[item.spec]?.issued, issued.attempt == item.attempt else { continue }
        for node in [first, second].compactMap(\.self) { certificates[item.spec]?.mayHold(issued.sha256, on: node) }
      }
    case .rollbackStarted(_, _, let node, let items):
      for item in items { certificates[item.of.spec]?.mayHold(item.sha256, on: node) }
    case .rolledBack(_, let node, let items, let proof, let reason):
      for item in items where certificates[item.of.spec]?.issued?.attempt == item.of.attempt {
        certificates[item.of.spec]?.install(
          Installation(attempt: item.attempt, sha256: item.sha256, proof: proof, reason: reason, at: record.at),
          on: node)
        certificates[item.of.spec]?.withhold(item, record)
      }
    case .takenOver(_, _, _, let overwrites):
      for spec in overwrites {
        certificates[spec]?.mayOverwrite = true
        if certificates[spec]?.lastFailure?.kind == .changedByHand { certificates[spec]?.forgetFailures() }
      }
    case .driftSeen(let spec, let place, let drift): certificates[spec]?.see(drift, at: place, record)
    case .driftGone(let spec, let place, _): certificates[spec]?.endDrift(at: place, record)
    case .rollbackFailed, .rolloutEnded, .rolloutStepped, .reloaded, .keysRemoved, .marked, .renewalAsked,
      .sweepStarted,
      .sweepEnded, .mailQueued, .mailSent, .mailFailed:
      break
    }
  }

  mutating func change(to spec: CertificateSpec) {
    guard let old = certificates[spec.id] else { return certificates[spec.id] = CertificateState(spec: spec) }
    certificates[spec.id]?.spec = spec
    if !old.spec.isSameRevision(as: spec) {
      certificates[spec.id]?.revision += 1
      certificates[spec.id]?.forgetFailures()
    }
    if old.spec.vipReference != spec.vipReference {
      certificates[spec.id]?.served = nil
      certificates[spec.id]?.drifts = [:]
      // Another VIP may be another termination with another directory: what was proved there is not proved here.
      certificates[spec.id]?.forgetInstallations()
      certificates[spec.id]?.forgetFailures()
    }
  }

  private mutating func step(
    _ of: AttemptReference, _ occurrence: Attempt.Occurrence, _ record: Record
  ) throws(IllegalTransition) {
    // A certificate that was removed or whose try was replaced meanwhile: the event is history, not state.
    guard var attempt = certificates[of.spec]?.attempt, attempt.id == of.attempt else { return }
    try attempt.apply(occurrence)
    switch attempt.state {
    case .makingKey, .requestingOrder, .ordering, .validating, .finalizing: certificates[of.spec]?.attempt = attempt
    case .issued(let key, let certificate): certificates[of.spec]?.succeed(certificate, key: key)
    case .failed(let failure):
      certificates[of.spec]?.attempt = nil
      certificates[of.spec]?.fail(failure, record)
    }
  }
}

extension CertificateState {
  fileprivate mutating func forgetFailures() {
    failures = 0
    lastFailure = nil
    lastFailureAt = nil
    failingSince = nil
    failingSweep = nil
  }

  fileprivate mutating func fail(_ failure: Failure, _ record: Record) {
    // A rate limit or a sick node never counts as the customer's failure.
    if failure.kind.retry == .backOff { failures += 1 }
    // Nobody holds the key of what was issued: it is as good as not issued, and a new one is made.
    if failure.kind == .keyLost { issuedRevision = 0 }
    lastFailure = failure
    lastFailureAt = record.at
    if failingSince == nil {
      failingSince = record.at
      failingSweep = record.sweep
    }
  }

  /// It failed by no fault of its own, as it turned out.
  fileprivate mutating func absolve(_ failure: Failure) {
    guard let last = lastFailure else { return }
    if last.kind.retry == .backOff { failures = max(0, failures - 1) }
    lastFailure = Failure(.authorityFailing, "\(failure.kind.title): \(failure.detail)", name: last.name)
  }

  fileprivate mutating func succeed(_ certificate: IssuedCertificate, key: Attempt.Key) {
    issued = certificate
    issuedRevision = attemptRevision
    keyNode = key.node
    attempt = nil
    forgetFailures()
  }

  /// The node was proved to use it: whatever else was on its way there is settled.
  fileprivate mutating func install(_ installation: Installation, on node: NodeID) {
    installations[node] = installation
    possibleLeaves[node] = nil
  }

  /// From now on this leaf of ours may lie on the node, proved or not.
  fileprivate mutating func mayHold(_ sha256: String, on node: NodeID) {
    let known = possibleLeaves[node] ?? []
    if !known.contains(sha256) { possibleLeaves[node] = (known + [sha256]).suffix(Self.possibleLeavesKept) }
  }

  /// A rollout that fails night after night brings a new leaf every few weeks; what is older was overwritten long ago.
  private static var possibleLeavesKept: Int { 32 }

  fileprivate mutating func forgetInstallations() {
    for (node, installation) in installations { mayHold(installation.sha256, on: node) }
    installations = [:]
  }

  /// The newest certificate was taken away by an operator: it comes back only by `retry`, or when what went back nears its end.
  fileprivate mutating func withhold(_ previous: PreviousCertificate, _ record: Record) {
    served = previous.attempt
    servedAt = record.at
    servedNotAfter = previous.notAfter
    fail(
      Failure(
        .rolledBack, "an operator put the certificate with serial \(previous.serial) back",
        retryAfter: previous.dangerAt), record)
  }

  fileprivate mutating func serve(_ attempt: AttemptID, at now: Date) {
    served = attempt
    servedAt = now
    if let issued, issued.attempt == attempt { servedNotAfter = issued.notAfter }
    mayOverwrite = false
    forgetFailures()
  }
}
