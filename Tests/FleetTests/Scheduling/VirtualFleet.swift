import Foundation

@testable import Fleet

/// A seeded generator: SplitMix64. The seed is hashed first: neighbouring seeds would else give one sequence, shifted by one.
struct Dice: RandomNumberGenerator {
  var state: UInt64
  init(_ seed: UInt64) { state = StableHash.of("dice \(seed)", seed: 0) }
  mutating func next() -> UInt64 {
    state &+= 0x9E37_79B9_7F4A_7C15
    var mixed = state
    mixed = (mixed ^ (mixed >> 30)) &* 0xBF58_476D_1CE4_E5B9
    mixed = (mixed ^ (mixed >> 27)) &* 0x94D0_49BB_1331_11EB
    return mixed ^ (mixed >> 31)
  }
}

/// A run of the real scheduler and ledger against the model CA in virtual time, with latencies, failures, crashes and other clients.
struct VirtualFleet {
  var candidates: [Candidate]
  var rules: [Limit: ModelCA.Rule]
  var limits = Scheduler.Limits(total: 8, perPair: 8)
  var reserve = Reserve.nothing
  var seed: UInt64 = 1
  /// How often each certificate fails before it succeeds.
  var failuresBefore: [SpecID: Int] = [:]
  /// Certificates under a domain that others get, by time.
  var others: [(at: Double, domain: String)] = []
  /// Times at which the process is killed and started again from the stored rows.
  var kills: [Double] = []
  /// When the CA answers 503.
  var outages: [ClosedRange<Double>] = []
  /// Pairs that an operator paused, and when he lets them go on.
  var held: [PairID: Double] = [:]
  /// Load the ledger anew from its stored rows after every change, and look for work that waits for nothing at every pause.
  var isSuspicious = false
  var giveUpAfter = 400.0 * 86_400

  struct Outcome {
    var end = noon
    var starts: [(spec: SpecID, at: Date, boundBy: Binding?)] = []
    var issued: Set<SpecID> = []
    var refusals: [ModelCA.Refusal] = []
    var paused: Set<String> = []
    var orders = 0
    /// Intervals in which the CA counted more than its limits allow, and what was spent though nothing was left.
    var overruns: [String] = []
    var idleWhileStartable: [String] = []
    var storeDiffers = 0
    var mostInFlight = 0
    var mostOnPair = 0
    var sameSetTwice = 0
    var ledger: Ledger
  }

  private struct Moment: Comparable {
    enum Kind: Equatable {
      case orderArrives, orderAnswered(ModelCA.Refusal?), busy, validated, issued, known, other(String), kill
    }
    var at: Int64
    var serial: Int
    var kind: Kind
    var attempt: AttemptID
    static func < (left: Moment, right: Moment) -> Bool { (left.at, left.serial) < (right.at, right.serial) }
  }

  func run() -> Outcome {
    var dice = Dice(seed)
    var authority = ModelCA(rules: rules)
    let table = LimitTable(quotas: rules.mapValues { Quota(burst: Int64($0.burst), refillMicroseconds: $0.refill) })
    var ledger = Ledger(tables: [letsEncrypt: table], reserve: reserve)
    var outcome = Outcome(ledger: ledger)
    var scheduler = makeScheduler(candidates)
    var wanted = Dictionary(uniqueKeysWithValues: candidates.map { ($0.spec, $0) })
    var flights: [AttemptID: Lease] = [:]
    var failures: [SpecID: Int] = [:]
    var store: [BucketKey: BucketRow] = [:]
    var moments = Heap<Moment>()
    var serial = 0
    var now = noon.microseconds
    let stop = now + Int64(giveUpAfter * 1e6)

    func schedule(_ kind: Moment.Kind, _ attempt: AttemptID, at moment: Int64) {
      serial += 1
      moments.push(Moment(at: moment, serial: serial, kind: kind, attempt: attempt))
    }
    func seconds(_ range: ClosedRange<Double>) -> Int64 { Int64(Double.random(in: range, using: &dice) * 1e6) }
    func save(_ rows: [BucketRow]) {
      guard isSuspicious else { return }
      for row in rows { store[row.key] = row.isVoid ? nil : row }
      let loaded = Ledger(tables: ledger.tables, reserve: ledger.reserve, rows: store.values)
      if loaded != ledger { outcome.storeDiffers += 1 }
      ledger = loaded
    }
    func end(_ attempt: AttemptID, again: Candidate?) {
      guard let lease = flights.removeValue(forKey: attempt) else { return }
      scheduler.finished(lease.spec)
      wanted[lease.spec] = again
      if let again { scheduler.add(again) }
    }

    for other in others { schedule(.other(other.domain), "", at: after(other.at).microseconds) }
    for kill in kills { schedule(.kill, "", at: after(kill).microseconds) }

    while now < stop {
      while let moment = moments.first, moment.at <= now {
        moments.pop()
        // What is recorded carries whole seconds, rounded down.
        let date = Date(microseconds: now - now % 1_000_000)
        switch moment.kind {
        case .other(let domain):
          authority.spendElsewhere(domain, at: now)
          continue
        case .kill:
          guard !wanted.isEmpty else { continue }
          // Orders that were under way are lost; the journal knows which attempts are open: none goes on here.
          for lease in flights.values { wanted[lease.spec]?.attempt = nil }
          flights = [:]
          let rows = isSuspicious ? Array(store.values) : ledger.rows
          ledger = Ledger(tables: ledger.tables, reserve: ledger.reserve, rows: rows)
          save(ledger.settleOrphans(open: [], at: date))
          scheduler = makeScheduler(wanted.values.sorted { $0.spec < $1.spec })
          continue
        case .orderArrives, .orderAnswered, .busy, .validated, .issued, .known: break
        }
        guard let lease = flights[moment.attempt], var candidate = wanted[lease.spec] else {
          // What a killed process had under way goes on at the CA without it.
          continue
        }
        let order = lease.order
        switch moment.kind {
        case .orderArrives:
          outcome.orders += 1
          if outages.contains(where: { $0.contains(date.timeIntervalSince(noon)) }) {
            schedule(.busy, moment.attempt, at: now + seconds(0.05...0.5))
          } else {
            let refusal = authority.newOrder(order.names.names, order.registeredDomains, at: now)
            schedule(.orderAnswered(refusal), moment.attempt, at: now + seconds(0.05...1))
          }
        case .busy:
          save(ledger.release(moment.attempt, order: .notPlaced, at: date))
          candidate.notBefore = date.addingTimeInterval(60)
          end(moment.attempt, again: candidate)
        case .orderAnswered(let refusal?):
          let signal = RateLimitSignal.limited(
            refusal.limit, subject: refusal.subject,
            until: Date(microseconds: now + (refusal.wait / 1_000_000 + 1) * 1_000_000))
          save(ledger.release(moment.attempt, order: .notPlaced, at: date))
          save(ledger.apply(signal, to: order, at: date))
          end(moment.attempt, again: candidate)
        case .orderAnswered(nil):
          save(ledger.orderCreated(moment.attempt, at: date))
          schedule(.validated, moment.attempt, at: now + seconds(1...4))
        case .validated:
          if failures[lease.spec, default: 0] < failuresBefore[lease.spec, default: 0] {
            failures[lease.spec, default: 0] += 1
            authority.fail(order.names.first, at: now)
            save(ledger.failedAuthorization(order.names.first, letsEncrypt, by: moment.attempt, at: date))
            save(ledger.release(moment.attempt, order: .placed, at: date))
            let wait = BackOff.seconds(afterFailures: failures[lease.spec, default: 0])
            candidate.notBefore = date.addingTimeInterval(wait)
            end(moment.attempt, again: candidate)
          } else {
            schedule(.issued, moment.attempt, at: now + seconds(0.5...2))
          }
        case .issued:
          authority.issue(order.names.names, order.registeredDomains, at: now)
          schedule(.known, moment.attempt, at: now + seconds(0.05...1))
        case .known:
          save(ledger.commit(moment.attempt, at: date))
          outcome.issued.insert(lease.spec)
          outcome.end = date
          end(moment.attempt, again: nil)
        case .other, .kill: break
        }
      }

      serial += 1
      let date = Date(microseconds: now)
      let decision = scheduler.next(at: date, ledger: &ledger, attempt: AttemptID("t\(serial)"))
      switch decision {
      case .start(let lease):
        save(lease.rows)
        if flights.values.contains(where: { $0.order.names == lease.order.names }) { outcome.sameSetTwice += 1 }
        flights[lease.attempt] = lease
        outcome.starts.append((lease.spec, date, lease.boundBy))
        outcome.mostInFlight = max(outcome.mostInFlight, flights.count)
        outcome.mostOnPair = max(outcome.mostOnPair, flights.values.count { $0.pair == lease.pair })
        schedule(.orderArrives, lease.attempt, at: now + seconds(0.2...1.5))
      case .wait, .idle:
        if isSuspicious { outcome.idleWhileStartable += startable(wanted, flights, ledger, authority, at: date) }
        var next = moments.first?.at ?? .max
        if case .wait(let until, _) = decision { next = min(next, until.microseconds) }
        guard next < .max else {
          now = stop
          break
        }
        now = max(next, now)
      }
      if wanted.isEmpty { break }
    }
    outcome.refusals = authority.refusals
    outcome.paused = authority.paused
    outcome.overruns = authority.overruns + authority.oversteps
    outcome.ledger = ledger
    return outcome
  }

  private func makeScheduler(_ candidates: [Candidate]) -> Scheduler {
    var scheduler = Scheduler(limits: limits, seed: seed)
    for (pair, until) in held { scheduler.hold(pair, until: after(until)) }
    scheduler.update(candidates)
    return scheduler
  }

  /// Work that could start although the scheduler says that nothing can: asked one by one, from the ledger, and from the CA's own count
  /// when nothing is in flight that it has not heard of.
  private func startable(
    _ wanted: [SpecID: Candidate], _ flights: [AttemptID: Lease], _ ledger: Ledger, _ authority: ModelCA, at now: Date
  ) -> [String] {
    guard flights.count < limits.total else { return [] }
    let flying = Set(flights.values.map(\.spec))
    let sets = Set(flights.values.map(\.order.names))
    let onPair = Dictionary(grouping: flights.values, by: \.pair).mapValues(\.count)
    // The ledger counts whole seconds, a second late, and hears of an order or a certificate up to a second after the CA counted it.
    let earlier = now.microseconds - 4_000_000
    return wanted.values.compactMap { candidate in
      guard !flying.contains(candidate.spec), candidate.notBefore ?? now <= now, !sets.contains(candidate.order.names),
        onPair[candidate.pair, default: 0] < limits.perPair, after(held[candidate.pair] ?? 0) <= now
      else { return nil }
      let order = candidate.order
      let isLeftByLedger = ledger.decide(order, for: .everyday, at: now) == .now
      let isLeftByCA =
        flights.isEmpty && outages.isEmpty
        && authority.hasRoom(order.names.names, order.registeredDomains, keeping: kept, at: earlier)
      guard isLeftByLedger || isLeftByCA else { return nil }
      return "\(candidate.spec) at \(now.timeIntervalSince(noon)), by the \(isLeftByLedger ? "ledger" : "CA's count")"
    }
  }

  /// What everyday work leaves of each limit.
  private var kept: [Limit: Int] {
    Dictionary(
      uniqueKeysWithValues: rules.map { limit, rule in
        (limit, Int(reserve.tokens(of: limit, Quota(burst: Int64(rule.burst), refillMicroseconds: rule.refill))))
      })
  }

  /// The time that no scheduler can beat, net of the reserve: the account's bucket, or the slowest domain's or set's.
  var bound: Double {
    let new = candidates.filter { $0.order.exemption == .none }
    var domains: [String: Int] = [:]
    for domain in new.flatMap(\.order.registeredDomains) { domains[domain, default: 0] += 1 }
    let sets = Dictionary(grouping: candidates, by: \.order.names).values.map(\.count)
    let times =
      [least(new.count, .newOrdersPerAccount)] + domains.values.map { least($0, .certificatesPerDomain) }
      + sets.map { least($0, .certificatesPerFQDNSet) }
    return times.max() ?? 0
  }

  /// The soonest end of so many certificates that only this limit holds: `(N − burst) · refill`.
  private func least(_ count: Int, _ limit: Limit) -> Double {
    guard let rule = rules[limit] else { return 0 }
    return Double(max(0, count - rule.burst + (kept[limit] ?? 0))) * Double(rule.refill) / 1e6
  }

  /// Let's Encrypt's production limits, from the published numbers.
  static let production: [Limit: ModelCA.Rule] = [
    .newOrdersPerAccount: ModelCA.Rule(burst: 300, refill: 36_000_000),
    .certificatesPerDomain: ModelCA.Rule(burst: 50, refill: 12_096_000_000),
    .certificatesPerFQDNSet: ModelCA.Rule(burst: 5, refill: 120_960_000_000),
    .failedAuthorizations: ModelCA.Rule(burst: 5, refill: 720_000_000),
    .failedAuthorizationsForPausing: ModelCA.Rule(burst: 1_152, refill: 86_400_000_000),
  ]
}
