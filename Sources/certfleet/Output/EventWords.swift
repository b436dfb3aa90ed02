import Fleet

/// An event as one line of words, for `-v`.
enum EventWords {
  static func text(_ event: Event) -> String {
    switch event {
    case .specAdded(let spec): "wanted: \(spec.id) (\(spec.names))"
    case .specChanged(let spec): "changed: \(spec.id) (\(spec.names))"
    case .specRemoved(let spec): "no longer wanted: \(spec)"
    case .specMoved(let from, let spec): "renamed: \(from) is \(spec.id) on VIP \(spec.vip) of \(spec.pair)"
    case .pairMoved(let from, let to): "renamed: pair \(from) is \(to)"
    case .nodeMoved(let from, let to, _): "renamed: node \(from) is \(to)"
    case .pairPaused(let pair): "paused: \(pair)"
    case .pairHeld(let pair, let until, let reason):
      "paused: \(pair)" + (until.map { " until \(Wording.minute($0)) UTC" } ?? "") + (reason.map { ": \($0)" } ?? "")
    case .pairResumed(let pair): "resumed: \(pair)"
    case .retryAsked(let spec): "retry asked: \(spec)"
    case .hostKeysPinned(let node, let keys): "\(keys.count) host keys pinned: \(node)"
    case .renewalAsked: "renewals asked for by another process"
    case .nodeSurveyed(let node, _): "asked: \(node)"
    case .nodeTroubled(let node, let failure): "\(node): \(failure.kind.title): \(failure.detail)"
    case .nodeHealed(let node): "\(node) is well again"
    case .pairTroubled(let pair, let failure): "\(pair): \(failure.kind.title): \(failure.detail)"
    case .pairHealed(let pair): "\(pair) is well again"
    case .accountRegistered(let authority, let url, _): "account at \(authority): \(url)"
    case .sweepStarted(let sweep, let seed, let purpose): "\(purpose.rawValue) \(sweep) started, seed \(seed)"
    case .sweepEnded(let sweep, let end): "\(sweep) \(end.rawValue)"
    case .attemptStarted(let of, _, _, _): "\(of.spec): attempt \(of.attempt)"
    case .keyMade(let of, let key): "\(of.spec): key made on \(key.node)"
    case .orderRequested(let of): "\(of.spec): order requested"
    case .orderCreated(let of, let url): "\(of.spec): order \(url)"
    case .finalizeRequested(let of): "\(of.spec): finalize requested"
    case .issued(let of, let certificate): "\(of.spec): issued, serial \(certificate.serial)"
    case .attemptFailed(let of, let failure): "\(of.spec): \(failure.kind.title): \(failure.detail)"
    case .authorityFailing(let authority, let specs, let failure):
      "\(authority) fails every order (\(failure.kind.title)): nothing is booked on \(specs.map(\.rawValue).joined(separator: ", "))"
    case .specVetoed(let spec, let failure): "\(spec): \(failure.kind.title): \(failure.detail)"
    case .rolloutStarted(let rollout, let pair, let batch, let first, let second):
      "\(pair): rollout \(rollout) of \(batch.count), \(([first] + [second].compactMap(\.self)).map(\.rawValue).joined(separator: " then "))"
    case .rolloutStepped(let rollout, let step, let failure):
      "\(rollout): \(words(step))" + (failure.map { ": \($0.kind.title): \($0.detail)" } ?? "")
    case .reloaded(let rollout, let node, let reload):
      "\(rollout): \(node): \(reload.words)"
    case .ejected(let rollout, let spec, let failure):
      "\(rollout): without \(spec): \(failure.kind.title): \(failure.detail)"
    case .installed(let node, let certificates, let proof, _):
      "\(node): \(certificates.count) proved by \(proof.rawValue)"
    case .served(let certificates): "\(certificates.count) served"
    case .rolloutEnded(let rollout, let end, let cause):
      "\(rollout): \(end.rawValue)" + (cause.map { ", \($0.detail)" } ?? "")
    case .rollbackStarted(let rollback, let pair, let node, let certificates):
      "\(pair): rollback \(rollback) of \(certificates.count) on \(node)"
    case .rolledBack(_, let node, let certificates, let proof, _):
      "\(node): \(certificates.count) put back, proved by \(proof.rawValue)"
    case .rollbackFailed(_, let node, let certificates, let failure):
      "\(node): \(certificates.count) not put back: \(failure.kind.title): \(failure.detail)"
    case .driftSeen(let spec, let place, let drift): "\(spec): \(drift.kind.title) on \(place): \(drift.detail)"
    case .driftGone(let spec, let place, let isHealed):
      "\(spec): \(isHealed ? "put right on" : "as it should be again on") \(place)"
    case .keysRemoved(let node, let attempts):
      "\(node): \(attempts.count) keys of certificates that are no longer wanted removed"
    case .marked(let node, _, _): "\(node): marked as worked on"
    case .takenOver(let controller, let pairs, _, _):
      "taken over by controller \(controller): \(pairs.map(\.rawValue).joined(separator: ", "))"
    case .mailQueued(_, let subject): "mail waits: \(subject)"
    case .mailSent: "mail sent"
    case .mailFailed(_, let detail): "mail not sent: \(detail)"
    }
  }

  private static func words(_ step: Rollout.Step) -> String {
    switch step {
    case .check: "check"
    case .stage(let turn): "stage on the \(words(turn)) node"
    case .activate(let turn): "activate on the \(words(turn)) node"
    case .verify(let turn): "verify the \(words(turn)) node"
    case .verifyVIP: "verify the VIP"
    case .rollBack(let turn): "roll back on the \(words(turn)) node"
    case .verifyOld(let turn): "verify the old set on the \(words(turn)) node"
    case .cleanUp(let turn): "clean up on the \(words(turn)) node"
    }
  }

  private static func words(_ turn: Rollout.Turn) -> String {
    switch turn {
    case .first: "first"
    case .second: "second"
    }
  }
}
