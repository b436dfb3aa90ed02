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
      // What was validated while no run was there to answer is nobody's failure, but the CA counted it.
      if case .validating = attempt.state,
        failure.kind.loudness == .customer || failure.kind == .interrupted || failure.kind == .failedOver
      {
        for name in failure.names { rows += ledger.failedAuthorization(name, authority, by: of.attempt, at: record.at) }
      }
      rows += ledger.release(of.attempt, order: fate, at: record.at)
      if failure.kind == .rateLimited {
        rows += ledger.refused(failure, planned(certificate, authority, at: record.at), at: record.at)
      }
      return rows
    default: return []
    }
  }

  func planned(_ certificate: CertificateState, _ authority: AuthorityID, at now: Date) -> PlannedOrder {
    PlannedOrder(
      authority: authority, names: certificate.spec.names, registeredDomains: certificate.spec.registeredDomains,
      exemption: issuedSets.contains(certificate.spec.names, authority, at: now) ? .sameSet : .none)
  }

  /// Before a run: attempts that ended without the ledger's hearing of it, in a crash, let go of what they held, and buckets that are full
  /// again are forgotten.
  public mutating func tidyLedger(at now: Date) -> [BucketRow] {
    let settled = ledger.settleOrphans(open: Set(state.certificates.values.compactMap { $0.attempt?.id }), at: now)
    let forgotten = ledger.prune(at: now).map { BucketRow(key: $0, tatMicroseconds: 0, reservations: []) }
    return Ledger.merged(settled, forgotten)
  }

  /// The CA, or its front, wants no order before then; nil when it takes them. Busy for hours without one certificate, it is left for the next run.
  public mutating func authorityIsQuiet(until: Date?, at now: Date) {
    guard let until else { return quiet.until = nil }
    let since = quiet.since ?? now
    quiet = Quiet(until: until, since: since)
    if now.timeIntervalSince(since) > Quiet.mostSeconds { stopOrdering() }
  }

  /// A CA that wants to be left alone.
  struct Quiet: Sendable {
    var until: Date?
    /// Since when it has been so without a certificate in between.
    var since: Date?

    /// Longer than any maintenance that Let's Encrypt has announced; the nightly sweep tries again.
    static let mostSeconds = 6.0 * 3_600
  }

  /// Whether orders were left because as many as asked for were started.
  public var hasReachedMaximum: Bool { leavesLeft <= 0 && mayOrder && issuable.values.contains { !$0.isEmpty } }

  /// When everything that may start would be issued: the very scheduler and ledger of a run, on a virtual clock.
  public func forecast(at now: Date) -> Forecast {
    let attempts = inventory.pace.attemptsInFlight
    var scheduler = Scheduler(limits: .init(total: attempts, perPair: attempts), seed: 0)
    var held = 0
    for certificate in state.certificates.values {
      guard let pair = pairs[certificate.spec.pair] else { continue }
      let (action, _) = Planner.wish(certificate, pair: pair, at: now)
      guard action == .issue || action == .renew else { continue }
      if action == .issue, let only, !only.contains(certificate.spec.id) { continue }
      // What is held back is ordered when it heals: no date.
      if certificate.attempt == nil, looks.held.reason(of: certificate, at: now) != nil, certificate.issued == nil {
        held += 1
        continue
      }
      var candidate = candidate(certificate, isRenewal: action == .renew, at: now)
      candidate.notBefore = certificate.notBefore
      // An open try holds its tokens already.
      candidate.attempt = certificate.attempt?.id
      scheduler.add(candidate)
    }
    for pair in state.pairs.keys {
      if let hold = state.hold(on: pair, at: now) { scheduler.hold(pair, until: hold.until ?? .distantFuture) }
    }
    return Forecast.run(scheduler, ledger, from: now).holding(held)
  }
}
