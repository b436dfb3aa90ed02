import Fleet
import Foundation

/// A CA, pairs and operators that do what the test says, on a virtual clock, around the real dispatcher.
struct ScriptedWorld {
  /// How one rollout goes.
  enum RolloutFate {
    case done
    /// Every node is put back and the whole batch is blamed.
    case refused(Failure)
    /// These are put aside, the others are served.
    case ejecting([SpecID: Failure])
    /// The second died on the way; the first and the VIP serve it.
    case secondLost(Failure)
    /// Turned back for a reason outside of its certificates, of which nothing is recorded on them.
    case turnedBack(Failure)
    /// Ended without a word about its certificates.
    case mute
  }

  /// One thing that the dispatcher let begin, with its moment.
  struct Begun {
    var at: Date
    var work: Dispatcher.Work
  }

  var dispatcher: Dispatcher
  var now: Date
  let inventory: Inventory
  let start: Date
  private(set) var begun: [Begun] = []
  private(set) var issuedCount = 0
  private var sequence: Int64 = 0
  private var queue: [(at: Date, order: Int, news: News)] = []
  private var serial = 0
  private var attempts: [SpecID: Int] = [:]

  /// Which failure ends a try, by certificate and the try's number from 1; nil lets it succeed.
  var attemptFailure: (SpecID, Int, Date) -> Failure? = { _, _, _ in nil }
  /// How many steps a try that fails has behind it, by its number: the key, newOrder's intention, the order, finalize's.
  var reached: (Int) -> Int = { $0 % 5 }
  /// When what the CA issues at a moment begins to be valid.
  var validFrom: (Date) -> Date = { $0 }
  /// A try that ends without recording anything.
  var attemptVanishes: (SpecID, Int) -> Bool = { _, _ in false }
  /// How a rollout goes.
  var fate: (RolloutOrder, Date) -> RolloutFate = { _, _ in .done }
  /// What a look at a pair comes to.
  var seen: (PairID) -> [Event] = { _ in [] }
  /// What the nodes of a pair say; the first node is active unless told otherwise.
  var survey: (Pair, Date) -> PairSurvey = ScriptedWorld.healthy

  static func healthy(_ pair: Pair, at now: Date) -> PairSurvey {
    PairSurvey(
      active: Dictionary(uniqueKeysWithValues: pair.vips.map { ($0.id, .node(pair.nodes[0].id)) }), unreachable: [:],
      at: now)
  }

  /// The second node does not answer.
  static func secondDead(_ pair: Pair, at now: Date) -> PairSurvey {
    var survey = healthy(pair, at: now)
    for node in pair.nodes.dropFirst() { survey.unreachable[node.id] = Failure(.nodeUnreachable, "no route") }
    return survey
  }

  /// What DNS says of a certificate, at a moment; nil where nothing speaks against it.
  var dns: (CertificateSpec, Date) -> Finding.Verdict? = { _, _ in nil }

  /// Whether the pair would refuse what comes of an order, as a look before it shows.
  var refuses: (SpecID) -> Bool = { _ in false }

  /// Called with each thing that begins, while the dispatcher is as it was when it decided.
  var watch: (Begun, Dispatcher) -> Void = { _, _ in }

  private enum News {
    case surveyed(Pair)
    case looked([CertificateSpec])
    case seen(PairID)
    case records([Event])
    case attemptEnds(Dispatcher.IssueOrder)
    case rolloutEnds(RolloutOrder, RolloutFate)
    case stop
  }

  init(
    _ state: FleetState, inventory: Inventory = SmallFleet.inventory(), limits: LimitTable = .none,
    rows: [BucketRow] = [], seed: UInt64 = 1, surveysAll: Bool = false, seesServed: Bool = false, maximum: Int = .max,
    only: Set<SpecID>? = nil, looksFirst: Bool = false, findings: Findings = Findings(), insisted: Set<SpecID> = [],
    at now: Date = SmallFleet.noon
  ) {
    self.inventory = inventory
    self.now = now
    start = now
    dispatcher = Dispatcher(
      state: state, inventory: inventory,
      ledger: Ledger(tables: [SmallFleet.authority: limits], reserve: .nothing, rows: rows), seed: seed,
      surveysAll: surveysAll, seesServed: seesServed, maximum: maximum, only: only, findings: findings,
      looksFirst: looksFirst, insisted: insisted, at: now)
  }

  // MARK: What a test asks for

  /// An operator, or another process, records this so many seconds from the start.
  mutating func schedule(_ events: [Event], after seconds: Double) {
    put(.records(events), at: start.addingTimeInterval(seconds))
  }

  /// A signal asks the run to stop.
  mutating func stop(after seconds: Double) { put(.stop, at: start.addingTimeInterval(seconds)) }

  /// Runs until the dispatcher says that it is done, at most so long.
  ///
  /// - Returns: whether it came to its end.
  mutating func run(atMost seconds: Double = 7 * 86_400, steps: Int = 200_000) throws -> Bool {
    let limit = start.addingTimeInterval(seconds)
    for _ in 0..<steps {
      for work in dispatcher.next(at: now) { try begin(work) }
      if dispatcher.isIdle { return true }
      let next = queue.map(\.at).min() ?? .distantFuture
      let moment = min(next, dispatcher.wake(after: now))
      guard moment <= limit else { return false }
      now = max(now, moment)
      while let index = queue.indices.filter({ queue[$0].at <= now }).min(by: { queue[$0].order < queue[$1].order }) {
        try hear(queue.remove(at: index).news)
      }
    }
    return false
  }

  var surveyed: [PairID] { begun.compactMap { if case .survey(let pair) = $0.work { pair } else { nil } } }
  var looked: [[SpecID]] { begun.compactMap { if case .see(_, let specs) = $0.work { specs } else { nil } } }
  var issued: [SpecID] { begun.compactMap { if case .issue(let order) = $0.work { order.spec.id } else { nil } } }
  var orders: [Dispatcher.IssueOrder] {
    begun.compactMap { if case .issue(let order) = $0.work { order } else { nil } }
  }
  var rollouts: [RolloutOrder] { begun.compactMap { if case .rollOut(let order) = $0.work { order } else { nil } } }

  /// How often each certificate was looked at.
  var looks: [SpecID: Int] {
    begun.reduce(into: [:]) { counts, begun in
      if case .look(let specs) = begun.work { for spec in specs { counts[spec.id, default: 0] += 1 } }
    }
  }

  /// Seconds from the start at which rollouts began.
  var rolloutTimes: [Double] {
    begun.compactMap { if case .rollOut = $0.work { $0.at.timeIntervalSince(start) } else { nil } }
  }

  /// Seconds from the start at which attempts began.
  var issueTimes: [Double] {
    begun.compactMap { if case .issue = $0.work { $0.at.timeIntervalSince(start) } else { nil } }
  }

  func isServed(_ spec: SpecID) -> Bool {
    guard let certificate = dispatcher.state.certificates[spec] else { return false }
    return certificate.served != nil && certificate.served == certificate.issued?.attempt
  }

  // MARK: How the world answers

  private mutating func put(_ news: News, at moment: Date) {
    serial += 1
    queue.append((moment, serial, news))
  }

  private mutating func begin(_ work: Dispatcher.Work) throws {
    begun.append(Begun(at: now, work: work))
    watch(begun[begun.count - 1], dispatcher)
    switch work {
    case .survey(let id):
      guard let pair = inventory.pairs.first(where: { $0.id == id }) else { return }
      put(.surveyed(pair), at: now.addingTimeInterval(0.5))
    case .look(let specs): put(.looked(specs), at: now.addingTimeInterval(0.2))
    case .issue(let order) where refuses(order.spec.id): dispatcher.refused(order, at: now)
    case .see(let pair, _): put(.seen(pair), at: now.addingTimeInterval(1))
    case .issue(let order):
      let of = AttemptReference(spec: order.spec.id, attempt: order.attempt.id)
      if !order.isResumed {
        try learn([
          .attemptStarted(
            of: of, names: order.attempt.names, authority: SmallFleet.authority, revision: order.revision)
        ])
      }
      put(.attemptEnds(order), at: now.addingTimeInterval(2))
    case .rollOut(let order):
      try learn([
        .rolloutStarted(
          rollout: order.id, pair: order.pair, batch: order.items, first: order.first, second: order.second)
      ])
      put(.rolloutEnds(order, fate(order, now)), at: now.addingTimeInterval(3))
    }
  }

  private mutating func hear(_ news: News) throws {
    switch news {
    case .surveyed(let pair): dispatcher.surveyed(pair.id, survey(pair, now))
    case .looked(let specs):
      let found = specs.map { spec in
        Finding(
          vip: spec.vipReference, name: spec.names.first, check: .addresses, verdict: dns(spec, now) ?? .passes,
          evidence: "as the test says", at: now)
      }
      dispatcher.looked(at: specs.map(\.id), found, at: now)
    case .seen(let pair):
      try learn(seen(pair))
      dispatcher.seen(pair)
    case .records(let events): try learn(events)
    case .stop: dispatcher.stop()
    case .attemptEnds(let order): try end(order)
    case .rolloutEnds(let order, let fate): try end(order, fate)
    }
  }

  private mutating func end(_ order: Dispatcher.IssueOrder) throws {
    let spec = order.spec.id
    let of = AttemptReference(spec: spec, attempt: order.attempt.id)
    let number = (attempts[spec] ?? 0) + 1
    attempts[spec] = number
    guard !attemptVanishes(spec, number) else { return dispatcher.attemptEnded(spec, at: now) }
    // Where it fails is the seed's choice: at the key, at newOrder, at a challenge, at finalize.
    let failure = attemptFailure(spec, number, now)
    let reached = failure == nil ? 5 : self.reached(number)
    let key = Attempt.Key(node: NodeID("\(order.spec.pair)-a"), request: "CSR")
    let steps: [Event] = [
      .keyMade(of: of, key: key), .orderRequested(of: of), .orderCreated(of: of, url: "https://ca.example/order/1"),
      .finalizeRequested(of: of),
    ]
    let done: Int =
      switch dispatcher.state.certificates[spec]?.attempt?.state {
      case .makingKey, nil: 0
      case .requestingOrder: 1
      case .ordering: 2
      case .validating: 3
      case .finalizing, .issued, .failed: 4
      }
    try learn(Array(steps.prefix(max(done, min(reached, 4))).dropFirst(done)))
    if let failure {
      try learn([.attemptFailed(of: of, failure: failure)])
    } else {
      issuedCount += 1
      let began = Date(timeIntervalSince1970: now.timeIntervalSince1970.rounded(.down))
      try learn([.issued(of: of, certificate: SmallFleet.certificate(order.attempt.id, from: validFrom(began)))])
    }
    dispatcher.attemptEnded(spec, at: now)
  }

  private mutating func end(_ order: RolloutOrder, _ fate: RolloutFate) throws {
    func proved(_ items: [AttemptReference], on nodes: [NodeID?]) -> [Event] {
      guard !items.isEmpty else { return [] }
      return nodes.compactMap(\.self).map {
        .installed(node: $0, certificates: items, proof: .wire, reason: "handshake")
      } + [.served(certificates: items)]
    }
    func healed(_ items: [AttemptReference]) -> [Event] {
      items.flatMap { item in
        (dispatcher.state.certificates[item.spec]?.standingDrift ?? []).map {
          .driftGone(spec: item.spec, place: $0.place, isHealed: true)
        }
      }
    }
    func ejected(_ spec: SpecID, _ failure: Failure) -> Event {
      .ejected(rollout: order.id, spec: spec, failure: failure)
    }
    let end: (events: [Event], end: RolloutEnd, failure: Failure?)
    switch fate {
    case .done:
      end = (
        proved(order.items, on: [order.first, order.second]) + healed(order.items),
        order.owing == nil ? .done : .degradedSecond, nil
      )
    case .refused(let failure): end = (order.items.map { ejected($0.spec, failure) }, .refused, failure)
    case .ejecting(let failures):
      let rest = order.items.filter { failures[$0.spec] == nil }
      let out = order.items.compactMap { item in failures[item.spec].map { ejected(item.spec, $0) } }
      // As the deployer does: a batch of which nothing is left is a refusal that nobody else is blamed for.
      let empty = Failure(.stageRefused, "no certificate of the batch is left")
      end = (
        out + proved(rest, on: [order.first, order.second]), rest.isEmpty ? .refused : .done, rest.isEmpty ? empty : nil
      )
    case .secondLost(let failure): end = (proved(order.items, on: [order.first]), .degradedSecond, failure)
    case .turnedBack(let failure): end = ([], .refused, failure)
    case .mute: end = ([], .done, nil)
    }
    try learn(end.events + [.rolloutEnded(rollout: order.id, end: end.end, cause: end.failure)])
    dispatcher.rolloutEnded(order, failure: end.failure, at: now)
  }

  private mutating func learn(_ events: [Event]) throws {
    let at = Date(timeIntervalSince1970: now.timeIntervalSince1970.rounded(.down))
    let records = events.map { event in
      sequence += 1
      return Record(sequence: sequence, at: at, sweep: SweepID("s1"), event: event)
    }
    if let fault = dispatcher.learn(records).disbelieved.first { throw fault }
    let news = dispatcher.takeEvents()
    if !news.isEmpty { try learn(news) }
  }
}
