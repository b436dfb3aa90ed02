public import Foundation

/// What the coming days bring: orders by day, the limits that bind, dates. From the scheduler and ledger of real runs on a virtual clock,
/// as if a run went on all the time and every attempt succeeded.
public struct LoadForecast: Sendable, Equatable, Codable {
  /// The moment it was made for.
  public var from: Date
  /// How many days it looks ahead.
  public var horizonDays: Int
  /// One entry for each UTC day on which something is issued or waits.
  public var days: [Day]
  /// What waits now: how many, and when the last is issued.
  public var waiting: Finish?
  /// Names that were supposed in addition.
  public var supposed: Finish?
  /// The limits that held something up, the latest first.
  public var limits: [LimitUse]
  /// What has no date: paused pairs, failures that wait for a person, and what the horizon cuts off.
  public var undated: Int
  /// What the last preflight says of what waits now: it goes last, and every attempt is supposed to succeed all the same.
  public var outlook: Outlook?

  /// One UTC day.
  public struct Day: Sendable, Equatable, Codable {
    /// Its first moment; for the first day the moment of the forecast.
    public var date: Date
    /// First certificates.
    public var issued: Int
    /// Certificates that replace one.
    public var renewed: Int
    /// What waits when the day ends.
    public var waiting: Int
    /// New orders that everyday work could still place when the day ends; nil where the CA has no such limit.
    public var ordersLeft: Int64?
    /// What held up most of the day's certificates; nil when most were not held up.
    public var boundBy: String?
  }

  /// How many, until when.
  public struct Finish: Sendable, Equatable, Codable {
    /// How many certificates have a date.
    public var count: Int
    /// When the last of them is issued.
    public var at: Date
    /// What the last one waits for; nil when nothing holds it.
    public var boundBy: String?
  }

  /// What one limit held up.
  public struct LimitUse: Sendable, Equatable, Codable {
    /// The limit and its subject, as a phrase.
    public var limit: String
    /// How many certificates waited for it last.
    public var count: Int
    /// When the last of them is issued.
    public var until: Date
  }
}

extension Dispatcher {
  /// The lifetime that is supposed where nothing was issued yet: Let's Encrypt's `classic` profile.
  private static let usualLifetime = 90.0 * 86_400

  /// Plays the coming days through: what waits now, what falls due, and so many supposed new names of a registered domain each.
  ///
  /// - Parameter progress: told after each day how many of the days are done.
  public func loadForecast(
    days: Int, supposing names: Int = 0, at now: Date, progress: (Int) -> Void = { _ in }
  ) -> LoadForecast {
    let attempts = inventory.pace.attemptsInFlight
    var scheduler = Scheduler(limits: .init(total: attempts, perPair: attempts), seed: 0)
    var later = Forecast.Later()
    var wanted: Set<SpecID> = []
    var undated = 0
    let horizon = now.addingTimeInterval(Double(days) * 86_400)
    for certificate in state.certificates.values {
      guard let pair = pairs[certificate.spec.pair] else { continue }
      let hold = state.hold(on: pair.id, at: now)
      let (action, reason) = Planner.decide(certificate, pair: pair, isPaused: hold != nil, at: now)
      switch (action, reason) {
      case (.issue, _), (.renew, _):
        scheduler.add(candidate(certificate, isRenewal: action == .renew, at: now))
        wanted.insert(certificate.spec.id)
      case (.blocked, .waiting(let until, _)):
        var candidate = candidate(certificate, isRenewal: certificate.issued != nil, at: now)
        candidate.notBefore = until
        scheduler.add(candidate)
        wanted.insert(certificate.spec.id)
      case (.blocked, .paused) where hold?.until != nil:
        let wish = Planner.wish(certificate, pair: pair, at: now).0
        guard wish == .issue || wish == .renew else { continue }
        var candidate = candidate(certificate, isRenewal: wish == .renew, at: now)
        candidate.notBefore = max(hold?.until ?? now, certificate.notBefore ?? now)
        scheduler.add(candidate)
        wanted.insert(certificate.spec.id)
      case (.blocked, _): undated += 1
      case (.redeploy, _), (.keep, _):
        guard let due = certificate.issued?.dueAt, due < horizon else { continue }
        later.due.append((max(now, due), candidate(certificate, isRenewal: true, at: now)))
      }
    }
    let lives = state.certificates.values.compactMap(\.issued).max { $0.notBefore < $1.notBefore }
    later.lifetime = lives.map { $0.notAfter.timeIntervalSince($0.notBefore) } ?? Self.usualLifetime
    for number in 0..<names { if let candidate = supposed(number) { scheduler.add(candidate) } }

    let orders = BucketKey.newOrders(inventory.authorities[0].id)
    var ends: [Date: (left: Int64?, waiting: Int)] = [:]
    var passed = 0
    let forecast = Forecast.run(scheduler, ledger, from: now, horizonDays: days, later: later) { day, ledger, waiting in
      ends[day] = (ledger.left(in: orders, at: day), waiting)
      passed += 1
      progress(min(passed, days))
    }
    return LoadForecast(forecast, wanted: wanted, ends: ends, undated: undated, horizonDays: days)
  }

  /// A name that nobody asked for yet, somewhere in the fleet.
  private func supposed(_ number: Int) -> Candidate? {
    let domain = "\(LoadForecast.mark)\(number).invalid"
    guard !inventory.pairs.isEmpty, let set = NameSet([domain]) else { return nil }
    let pair = inventory.pairs[number % inventory.pairs.count]
    return Candidate(
      spec: SpecID("\(LoadForecast.mark)/\(number)"), kind: .issue, pair: pair.id,
      order: PlannedOrder(authority: inventory.authorities[0].id, names: set, registeredDomains: [domain]))
  }
}

extension Ledger {
  /// How many tokens everyday work could still take; nil where nothing limits.
  func left(in key: BucketKey, at now: Date) -> Int64? {
    guard let quota = quota(of: key) else { return nil }
    let bucket = buckets[key] ?? Bucket()
    return max(0, quota.tokens(tat: bucket.tat, at: now.microseconds) - bucket.reserved - kept(key, quota, .everyday))
  }
}

extension LoadForecast {
  /// What supposed names are called.
  static let mark = "supposed"

  init(
    _ forecast: Forecast, wanted: Set<SpecID>, ends: [Date: (left: Int64?, waiting: Int)], undated: Int,
    horizonDays: Int
  ) {
    from = forecast.from
    self.horizonDays = horizonDays
    var loads: [Date: Day] = [:]
    var held: [Date: [Binding: Int]] = [:]
    var uses: [BucketKey: LimitUse] = [:]
    var first: [SpecID: Forecast.Finish] = [:]
    for finish in forecast.finishes {
      let day = Self.midnight(before: finish.end)
      var load = loads[day] ?? Day(date: max(day, from), issued: 0, renewed: 0, waiting: 0)
      switch finish.kind {
      case .issue: load.issued += 1
      case .renew: load.renewed += 1
      }
      loads[day] = load
      if first[finish.spec] == nil { first[finish.spec] = finish }
      guard let binding = finish.boundBy else { continue }
      held[day, default: [:]][binding, default: 0] += 1
      guard case .limit(let key) = binding else { continue }
      var use = uses[key] ?? LimitUse(limit: binding.description, count: 0, until: finish.end)
      use.count += 1
      use.until = max(use.until, finish.end)
      uses[key] = use
    }
    for (midnight, end) in ends {
      let day = midnight.addingTimeInterval(-86_400)
      guard loads[day] != nil || end.waiting > 0 else { continue }
      var load = loads[day] ?? Day(date: max(day, from), issued: 0, renewed: 0, waiting: 0)
      load.waiting = end.waiting
      load.ordersLeft = end.left
      let most = held[day]?.max { ($0.value, $1.key.description) < ($1.value, $0.key.description) }
      if let most, 2 * most.value >= load.issued + load.renewed { load.boundBy = most.key.description }
      loads[day] = load
    }
    days = loads.values.sorted { $0.date < $1.date }
    limits = uses.values.sorted { ($1.until, $0.limit) < ($0.until, $1.limit) }
    supposed = Self.finish(first.values.filter { $0.spec.rawValue.hasPrefix(Self.mark + "/") })
    waiting = Self.finish(first.values.filter { wanted.contains($0.spec) })
    self.undated = undated + forecast.never
  }

  private static func finish(_ finishes: some Sequence<Forecast.Finish>) -> Finish? {
    let all = Array(finishes)
    guard let last = all.max(by: { ($0.end, $0.spec) < ($1.end, $1.spec) }) else { return nil }
    return Finish(count: all.count, at: last.end, boundBy: last.boundBy?.description)
  }

  private static func midnight(before date: Date) -> Date {
    Date(timeIntervalSince1970: (date.timeIntervalSince1970 / 86_400).rounded(.down) * 86_400)
  }
}
