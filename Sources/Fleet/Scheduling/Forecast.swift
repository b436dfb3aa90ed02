public import Foundation

/// When everything will be done: the very scheduler and ledger of a real run, on a virtual clock.
public struct Forecast: Sendable, Equatable {
  /// How long the steps of an attempt take. Seconds.
  public struct Latency: Sendable, Equatable {
    /// From the start until the CA has answered newOrder.
    public var order: Double
    /// From the start until the certificate is there.
    public var issue: Double

    /// Let's Encrypt's staff speak of 2–10 s an issuance.
    public init(order: Double = 1, issue: Double = 8) {
      self.order = order
      self.issue = max(order, issue)
    }
  }

  /// When one certificate starts and is there, and what it waited for last.
  public struct Finish: Sendable, Equatable {
    /// Which.
    public var spec: SpecID
    /// A first issue or a renewal.
    public var kind: Candidate.Kind
    /// Where it is served.
    public var pair: PairID
    /// Whose it is.
    public var customer: CustomerID?
    /// When its order is requested.
    public var start: Date
    /// When it is there.
    public var end: Date
    /// What it waited for last; nil when nothing held it.
    public var boundBy: Binding?
  }

  /// When a group is done, and what binds its last certificate.
  public struct Group: Sendable, Equatable {
    /// How many certificates.
    public var count: Int
    /// When the last is there.
    public var end: Date
    /// What the last one waited for.
    public var boundBy: Binding?
  }

  /// The moment it was made for.
  public let from: Date
  /// One entry for each certificate, in the order of their starts.
  public let finishes: [Finish]
  /// Everything; nil when there is nothing to do.
  public let total: Group?
  /// By customer; certificates without one are left out.
  public let customers: [CustomerID: Group]
  /// By pair.
  public let pairs: [PairID: Group]
  /// What never starts within the horizon: paused pairs, and back-offs that only a person ends.
  public private(set) var never: Int

  /// What will be wanted although it is not yet.
  struct Later {
    /// Certificates that fall due, by time.
    var due: [(at: Date, candidate: Candidate)] = []
    /// How long a certificate lives that is issued in the forecast: it falls due again as `RenewalPolicy` says. Nil: it is not followed.
    var lifetime: TimeInterval?
  }

  /// Plays everything that waits through, as if every attempt succeeded. What is in flight already is not known here: its tokens stay
  /// reserved, its places taken.
  public static func run(
    _ scheduler: consuming Scheduler, _ ledger: Ledger, from: Date, latency: Latency = Latency(),
    horizonDays: Int = 3_660
  ) -> Forecast {
    run(scheduler, ledger, from: from, latency: latency, horizonDays: horizonDays, later: Later()) { _, _, _ in }
  }

  /// The same with what falls due on the way; `midnight` is told each UTC midnight that passes, with the ledger and how many wait then.
  ///
  /// It consumes the scheduler, which holds every candidate: the first start would copy them all.
  static func run(
    _ scheduler: consuming Scheduler, _ ledger: Ledger, from: Date, latency: Latency = Latency(), horizonDays: Int,
    later: Later, midnight: (Date, Ledger, Int) -> Void
  ) -> Forecast {
    var ledger = ledger
    ledger.returnsRows = false
    var now = from
    // All take the same time, so orders are created, and certificates issued, in the order of their starts.
    var finishes: [Finish] = []
    var flights: [(attempt: AttemptID, order: PlannedOrder?)] = []
    var (created, issued) = (0, 0)
    let horizon = from.addingTimeInterval(Double(horizonDays) * 86_400)
    var renewals = Heap<Renewal>()
    for (at, candidate) in later.due { renewals.push(Renewal(at: at, candidate: candidate)) }
    var day = Date(timeIntervalSince1970: (from.timeIntervalSince1970 / 86_400).rounded(.down) * 86_400 + 86_400)
    var serial = 0

    func attempt(_ serial: Int) -> AttemptID { AttemptID("forecast-\(serial)") }
    func creation() -> Date? {
      created < finishes.count ? finishes[created].start.addingTimeInterval(latency.order) : nil
    }
    func next() -> Date {
      let issue = issued < finishes.count ? finishes[issued].end : .distantFuture
      return min(creation() ?? .distantFuture, issue, renewals.first?.at ?? .distantFuture)
    }

    run: while now <= horizon {
      while day <= now {
        midnight(day, ledger, scheduler.waitingCount)
        day.addTimeInterval(86_400)
      }
      while let renewal = renewals.first, renewal.at <= now {
        renewals.pop()
        scheduler.add(renewal.candidate)
      }
      while true {
        if issued < created, finishes[issued].end <= now {
          let finish = finishes[issued]
          _ = ledger.commit(flights[issued].attempt, at: now)
          scheduler.finished(finish.spec)
          if let lifetime = later.lifetime, let order = flights[issued].order {
            renewals.push(Renewal(finish, order, from: now, lifetime: lifetime))
            flights[issued].order = nil
          }
          issued += 1
        } else if let creation = creation(), creation <= now {
          _ = ledger.orderCreated(flights[created].attempt, at: now)
          created += 1
        } else {
          break
        }
      }
      serial += 1
      switch scheduler.next(at: now, ledger: &ledger, attempt: attempt(serial)) {
      case .start(let lease):
        finishes.append(
          Finish(
            spec: lease.spec, kind: lease.kind, pair: lease.pair, customer: lease.customer, start: now,
            end: now.addingTimeInterval(latency.issue), boundBy: lease.boundBy))
        flights.append((lease.attempt, later.lifetime == nil ? nil : lease.order))
      case .wait(let until, _): now = min(until, next())
      case .idle:
        let next = next()
        guard next < .distantFuture else { break run }
        now = next
      }
    }
    midnight(day, ledger, scheduler.waitingCount)
    return Forecast(from: from, finishes: finishes, never: scheduler.waitingCount)
  }

  private init(from: Date, finishes: [Finish], never: Int) {
    self.from = from
    self.finishes = finishes
    self.never = never
    var total: Group?
    var customers: [CustomerID: Group] = [:]
    var pairs: [PairID: Group] = [:]
    for finish in finishes {
      total = Self.joined(total, finish)
      pairs[finish.pair] = Self.joined(pairs[finish.pair], finish)
      if let customer = finish.customer { customers[customer] = Self.joined(customers[customer], finish) }
    }
    self.total = total
    self.customers = customers
    self.pairs = pairs
  }

  /// With so many more that no date can be given for.
  func holding(_ count: Int) -> Forecast {
    var forecast = self
    forecast.never += count
    return forecast
  }

  private static func joined(_ group: Group?, _ finish: Finish) -> Group {
    guard var group else { return Group(count: 1, end: finish.end, boundBy: finish.boundBy) }
    group.count += 1
    if finish.end >= group.end {
      group.end = finish.end
      group.boundBy = finish.boundBy
    }
    return group
  }

  private struct Renewal: Sendable, Comparable {
    var at: Date
    var candidate: Candidate

    init(at: Date, candidate: Candidate) {
      self.at = at
      self.candidate = candidate
    }

    /// The same names once more, when they are due (RFC 9773 suggests no other time before the CA is asked).
    init(_ finish: Finish, _ order: PlannedOrder, from start: Date, lifetime: TimeInterval) {
      let end = start.addingTimeInterval(lifetime)
      at = RenewalPolicy.due(end, life: lifetime)
      candidate = Candidate(
        spec: finish.spec, kind: .renew, pair: finish.pair, customer: finish.customer,
        order: PlannedOrder(
          authority: order.authority, names: order.names, registeredDomains: order.registeredDomains,
          exemption: .sameSet),
        expiry: end, dangerAt: RenewalPolicy.danger(end, life: lifetime))
    }

    static func < (left: Renewal, right: Renewal) -> Bool {
      left.at == right.at ? left.candidate.spec < right.candidate.spec : left.at < right.at
    }
  }
}
