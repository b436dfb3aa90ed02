import Foundation

@testable import Fleet

/// Plays a `LongRun`: the loop of a run, with the CA's answers instead of a network.
struct LongRunPlayer {
  private(set) var outcome = LongRunOutcome()

  private let story: LongRun
  private var dice: Dice
  private var authority: ModelCA
  private var ledger: Ledger
  private var scheduler: Scheduler
  private var index: [SpecID: Int] = [:]
  private var standings: [Standing]
  private var flights: [AttemptID: Flight] = [:]
  private var moments = Heap<Moment>()
  private var serial = 0
  private var now = noon.microseconds
  /// The CA said 503: nothing starts before then.
  private var heldUntil = Int64.min
  private var busyInARow = 0
  /// When others took from a limit, and when a refusal told us all about it.
  private var taken: [String: [Int64]] = [:]
  private var told: [String: [(answered: Int64, asOf: Int64)]] = [:]

  private struct Standing {
    var site: LongRun.Site
    var certificate: IssuedCertificate?
    var failures = 0
    var notBefore: Date?
    /// The window of renewal that the CA suggests.
    var window: ClosedRange<Date>?
    var isWanted = false
    var stumblesLeft: Int
  }

  private struct Flight {
    var lease: Lease
    var startedAt: Int64
    var isRenewal = false
  }

  private struct Moment: Comparable {
    enum Kind: Equatable {
      case arrives, answered(ModelCA.Refusal?), busy, validated, issued, known
      case due(Int), other(String?), kill
    }
    var at: Int64
    var serial: Int
    var kind: Kind
    var attempt: AttemptID
    static func < (left: Moment, right: Moment) -> Bool { (left.at, left.serial) < (right.at, right.serial) }
  }

  init(_ story: LongRun) {
    self.story = story
    dice = Dice(story.seed &+ 1)
    authority = ModelCA(rules: story.rules)
    let quotas = story.rules.mapValues { Quota(burst: Int64($0.burst), refillMicroseconds: $0.refill) }
    ledger = Ledger(tables: [letsEncrypt: LimitTable(quotas: quotas)], reserve: .standard)
    scheduler = Scheduler(seed: story.seed)
    standings = story.sites.map { Standing(site: $0, stumblesLeft: $0.stumbles) }
    for (place, site) in story.sites.enumerated() {
      index[site.spec] = place
      if let issuedAt = site.issuedAt {
        authority.issuedBefore(site.names.names, at: after(issuedAt).microseconds)
        hold(place, certificateOf: after(issuedAt), attempt: "before")
      } else {
        want(place)
      }
    }
    for other in story.others { schedule(.other(other.domain), at: after(other.at).microseconds) }
    for kill in story.kills { schedule(.kill, at: after(kill).microseconds) }
  }

  /// The whole story.
  mutating func play() {
    let stop = after(story.days * 86_400).microseconds
    while now < stop {
      while let moment = moments.first, moment.at <= now {
        moments.pop()
        happen(moment)
      }
      guard now >= heldUntil else {
        now = min(heldUntil, moments.first?.at ?? stop)
        continue
      }
      serial += 1
      switch scheduler.next(at: Date(microseconds: now), ledger: &ledger, attempt: AttemptID("t\(serial)")) {
      case .start(let lease):
        flights[lease.attempt] = Flight(lease: lease, startedAt: now)
        schedule(.arrives, lease.attempt, at: now + seconds(0.2...1.5))
      case .wait(let until, _): now = max(now, min(until.microseconds, moments.first?.at ?? stop))
      case .idle: now = max(now, moments.first?.at ?? stop)
      }
    }
    conclude(stop)
  }

  // MARK: What happens

  /// What is recorded carries whole seconds, rounded down.
  private var recorded: Date { Date(microseconds: now - now % 1_000_000) }

  private mutating func happen(_ moment: Moment) {
    switch moment.kind {
    case .due(let place): return want(place)
    case .kill: return kill()
    case .other(let domain): return takeElsewhere(domain)
    case .arrives, .answered, .busy, .validated, .issued, .known: break
    }
    // What a killed process had under way goes nowhere.
    guard let flight = flights[moment.attempt], let place = index[flight.lease.spec] else { return }
    let order = flight.lease.order
    switch moment.kind {
    case .arrives: arrive(moment.attempt, order, place)
    case .busy:
      outcome.busy += 1
      busyInARow += 1
      heldUntil = now + Int64(min(3_600, 30 * Double(1 << min(busyInARow, 8)))) * 1_000_000
      _ = ledger.release(moment.attempt, order: .notPlaced, at: recorded)
      end(moment.attempt, place)
    case .answered(let refusal?):
      judge(refusal, flight)
      let until = Date(microseconds: now + (refusal.wait / 1_000_000 + 1) * 1_000_000)
      _ = ledger.release(moment.attempt, order: .notPlaced, at: recorded)
      _ = ledger.apply(.limited(refusal.limit, subject: refusal.subject, until: until), to: order, at: recorded)
      end(moment.attempt, place)
    case .answered(nil):
      busyInARow = 0
      _ = ledger.orderCreated(moment.attempt, at: recorded)
      schedule(.validated, moment.attempt, at: now + seconds(1...4))
    case .validated: validate(moment.attempt, order, place)
    case .issued:
      authority.issue(order.names.names, order.registeredDomains, at: now, isRenewal: flight.isRenewal)
      schedule(.known, moment.attempt, at: now + seconds(0.05...1))
    case .known: know(moment.attempt, place)
    case .due, .other, .kill: break
    }
  }

  /// Others come again the moment that their limit has something: before us, who wait a second longer.
  private mutating func takeElsewhere(_ domain: String?) {
    let key = domain.map { "domain \($0)" } ?? "orders"
    let wait = domain.map { authority.spendElsewhere($0, at: now) } ?? authority.orderElsewhere(at: now)
    if let wait {
      schedule(.other(domain), at: now + wait)
    } else {
      taken[key, default: []].append(now)
    }
  }

  private mutating func arrive(_ attempt: AttemptID, _ order: PlannedOrder, _ place: Int) {
    outcome.orders += 1
    let date = Date(microseconds: now)
    guard !story.outages.contains(where: { $0.contains(date.timeIntervalSince(noon)) }) else {
      return schedule(.busy, attempt, at: now + seconds(0.05...0.5))
    }
    // The CA looks itself whether the order names a certificate whose window it is.
    let isRenewal = order.exemption == .renewalInfo && standings[place].window?.contains(date) == true
    flights[attempt]?.isRenewal = isRenewal
    let refusal = authority.newOrder(order.names.names, order.registeredDomains, at: now, isRenewal: isRenewal)
    schedule(.answered(refusal), attempt, at: now + seconds(0.05...1))
  }

  private mutating func validate(_ attempt: AttemptID, _ order: PlannedOrder, _ place: Int) {
    let isBroken = standings[place].site.breaksAt.map { Date(microseconds: now) >= after($0) } ?? false
    guard isBroken || standings[place].stumblesLeft > 0 else {
      return schedule(.issued, attempt, at: now + seconds(0.5...2))
    }
    if !isBroken { standings[place].stumblesLeft -= 1 }
    authority.fail(order.names.first, at: now)
    _ = ledger.failedAuthorization(order.names.first, letsEncrypt, by: attempt, at: recorded)
    _ = ledger.release(attempt, order: .placed, at: recorded)
    standings[place].failures += 1
    standings[place].notBefore = recorded + BackOff.seconds(afterFailures: standings[place].failures)
    end(attempt, place)
  }

  private mutating func know(_ attempt: AttemptID, _ place: Int) {
    _ = ledger.commit(attempt, at: recorded)
    let site = standings[place].site
    if let old = standings[place].certificate {
      outcome.renewed += 1
      if story.isWell(site), recorded > old.dangerAt { outcome.endangered.append(site.spec) }
      if story.isWell(site), recorded > old.notAfter { outcome.expired.append(site.spec) }
    } else {
      outcome.issued += 1
      if story.isWell(site) { outcome.lastFirst = recorded.timeIntervalSince(noon) }
    }
    standings[place].failures = 0
    standings[place].notBefore = nil
    standings[place].isWanted = false
    if let lease = flights.removeValue(forKey: attempt)?.lease { scheduler.finished(lease.spec) }
    hold(place, certificateOf: recorded, attempt: attempt)
  }

  /// Nothing is done on the way out; the next process has the stored rows, and begins with what was open.
  private mutating func kill() {
    flights = [:]
    ledger = Ledger(tables: ledger.tables, reserve: ledger.reserve, rows: ledger.rows)
    _ = ledger.settleOrphans(open: [], at: recorded)
    scheduler = Scheduler(seed: story.seed)
    scheduler.update(standings.indices.filter { standings[$0].isWanted }.map { candidate($0) })
  }

  /// A refusal was foreseeable unless others took from its limit after the newest refusal that we had heard of when the order started.
  private mutating func judge(_ refusal: ModelCA.Refusal, _ flight: Flight) {
    outcome.refusals += 1
    let key = refusal.limit == .newOrdersPerAccount ? "orders" : "domain \(refusal.subject ?? "")"
    let known = told[key, default: []].last { $0.answered <= flight.startedAt }?.asOf ?? .min
    if !taken[key, default: []].contains(where: { $0 > known }) {
      outcome.foreseeable.append("\(refusal) of \(flight.lease.spec) at \(recorded.timeIntervalSince(noon))")
    }
    // The CA's word was at most a second and a half old when it came.
    told[key, default: []].append((now, now - 1_500_000))
  }

  private mutating func conclude(_ stop: Int64) {
    outcome.paused = authority.paused
    let shared = Set(taken.keys)
    outcome.overruns = authority.overruns + authority.oversteps.filter { !shared.contains($0) }
    for standing in standings where story.isWell(standing.site) {
      guard let certificate = standing.certificate else {
        outcome.missing.append(standing.site.spec)
        continue
      }
      if certificate.notAfter.microseconds < stop { outcome.expired.append(standing.site.spec) }
    }
  }

  // MARK: What is wanted

  /// A certificate is there, and will fall due; with ARI somewhere in the two days after the window opens, drawn once.
  private mutating func hold(_ place: Int, certificateOf start: Date, attempt: AttemptID) {
    let certificate = IssuedCertificate(
      attempt: attempt, sha256: "", serial: "", notBefore: start, notAfter: start + 90 * 86_400, issuer: "", chain: [],
      publicKeySHA256: "")
    standings[place].certificate = certificate
    var due = certificate.dueAt
    if standings[place].site.hasRenewalInfo {
      let opens = due - 2 * 86_400
      standings[place].window = opens...(opens + 2 * 86_400)
      due = opens + Double.random(in: 0...1.9 * 86_400, using: &dice)
    }
    schedule(.due(place), at: max(now, due.microseconds))
  }

  private mutating func want(_ place: Int) {
    standings[place].isWanted = true
    scheduler.add(candidate(place))
  }

  private mutating func end(_ attempt: AttemptID, _ place: Int) {
    guard let lease = flights.removeValue(forKey: attempt)?.lease else { return }
    scheduler.finished(lease.spec)
    scheduler.add(candidate(place))
  }

  /// As the dispatcher makes one.
  private func candidate(_ place: Int) -> Candidate {
    let standing = standings[place]
    let site = standing.site
    let date = Date(microseconds: now)
    var exemption = PlannedOrder.Exemption.none
    if let window = standing.window, window.lowerBound <= date, date + 3_600 < window.upperBound {
      exemption = .renewalInfo
    } else if let certificate = standing.certificate, date.timeIntervalSince(certificate.notBefore) < 119 * 86_400 {
      exemption = .sameSet
    }
    return Candidate(
      spec: site.spec, kind: standing.certificate == nil ? .issue : .renew, pair: site.pair,
      order: PlannedOrder(
        authority: letsEncrypt, names: site.names, registeredDomains: site.domains, exemption: exemption),
      expiry: standing.certificate?.notAfter, dangerAt: standing.certificate?.dangerAt, notBefore: standing.notBefore,
      looksBad: standing.failures > 0, failures: standing.failures)
  }

  private mutating func schedule(_ kind: Moment.Kind, _ attempt: AttemptID = "", at moment: Int64) {
    serial += 1
    moments.push(Moment(at: moment, serial: serial, kind: kind, attempt: attempt))
  }

  private mutating func seconds(_ range: ClosedRange<Double>) -> Int64 {
    Int64(Double.random(in: range, using: &dice) * 1e6)
  }
}
