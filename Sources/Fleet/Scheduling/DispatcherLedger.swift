public import Foundation

/// How the CA's limits see a run: buckets move when the CA moves them, and the same ledger forecasts.
extension Dispatcher {
  /// Moves the ledger's buckets when the CA does, seen from what was recorded; must run before the record is folded.
  mutating func settle(_ record: Record) -> [BucketRow] {
    switch record.event {
    case .orderCreated(let of, _): return ledger.orderCreated(of.attempt, at: record.at)
    case .issued(let of, _): return ledger.commit(of.attempt, at: record.at)
    case .attemptFailed(let of, let failure):
      guard let certificate = state.certificates[of.spec], let attempt = certificate.attempt, attempt.id == of.attempt,
        let authority = certificate.attemptAuthority
      else { return ledger.release(of.attempt, order: .placed, at: record.at) }
      var rows: [BucketRow] = []
      var fate = Ledger.OrderFate.placed
      switch attempt.state {
      case .makingKey, .requestingOrder: fate = .notPlaced
      // The CA refused newOrder and spent nothing, unless its answer never came.
      case .ordering: fate = failure.kind == .orderLost ? .placed : .notPlaced
      case .validating, .finalizing, .issued, .failed: break
      }
      if case .validating = attempt.state, failure.kind.loudness == .customer, let name = failure.name {
        rows += ledger.failedAuthorization(name, authority, by: of.attempt, at: record.at)
      }
      rows += ledger.release(of.attempt, order: fate, at: record.at)
      if failure.kind == .rateLimited {
        let signal = RateLimitSignal.read(
          status: 429, type: nil, detail: failure.detail, retryAfter: failure.retryAfter, at: record.at)
        if let signal {
          rows += ledger.apply(signal, to: planned(certificate, authority, at: record.at), at: record.at)
        }
      }
      return rows
    default: return []
    }
  }

  func planned(_ certificate: CertificateState, _ authority: AuthorityID, at now: Date) -> PlannedOrder {
    // Boulder looks back 120 days for the exact set (`ratelimits`): such an order is let off the account's and the domain's limits.
    let isSameSet =
      certificate.issued.map {
        certificate.issuedRevision == certificate.revision && now.timeIntervalSince($0.notBefore) < 119 * 86_400
      }
    return PlannedOrder(
      authority: authority, names: certificate.spec.names, registeredDomains: certificate.spec.registeredDomains,
      exemption: isSameSet == true ? .sameSet : .none)
  }

  /// Attempts that ended without the ledger's hearing of it, in a crash: what they held is settled.
  public mutating func settleOrphans(at now: Date) -> [BucketRow] {
    ledger.settleOrphans(open: Set(state.certificates.values.compactMap { $0.attempt?.id }), at: now)
  }

  /// When everything that may start would be issued: the very scheduler and ledger of a run, on a virtual clock.
  public func forecast(at now: Date) -> Forecast {
    let attempts = inventory.pace.attemptsInFlight
    var scheduler = Scheduler(limits: .init(total: attempts, perPair: attempts), seed: 0)
    for certificate in state.certificates.values {
      guard let pair = pairs[certificate.spec.pair] else { continue }
      let isPaused = state.pairs[pair.id]?.isPaused == true
      let (action, _) = Planner.decide(certificate, pair: pair, isPaused: isPaused, at: now)
      guard action == .issue || action == .renew else { continue }
      scheduler.add(candidate(certificate, isRenewal: action == .renew, at: now))
    }
    return Forecast.run(scheduler, ledger, from: now)
  }
}
