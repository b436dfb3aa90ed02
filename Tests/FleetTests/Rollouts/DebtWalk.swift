import Fleet
import Foundation

/// Some runs over one pair whose nodes go away and come back, while the VIP moves: what a node missed is owed to it.
///
/// The dispatcher is the real one; the nodes are a calendar of outages and fail-overs that the seed draws.
final class DebtWalk {
  static let pair = PairID("lb0")
  static let nodes = [NodeID("lb0-a"), NodeID("lb0-b")]

  /// What a walk came to.
  struct Story: Sendable {
    let seed: UInt64
    /// Rules that a start broke, in words.
    var faults: [String] = []
    /// How often a node was given what it owed.
    var settled = 0
    /// How often the VIP had moved meanwhile.
    var settledAfterMove = 0
    var state = FleetState()
  }

  private var story: Story
  private var state: FleetState
  private let inventory: Inventory
  /// Seconds from noon in which a node is away.
  private let outages: [(node: Int, from: Double, to: Double)]
  /// Seconds from noon at which the VIP moves, if the other node is there.
  private let moves: [Double]
  /// When each debt came about, and who was active then.
  private var debts: [NodeID: [SpecID: NodeID?]] = [:]
  /// What failed in the present run has pauses of its own, and is left for the next run in the end: neither holds anybody else.
  private var failed: Set<SpecID> = []

  /// All outages are over by then.
  private static let lastOutage = 1_300.0
  private static let betweenRuns = 400.0

  init(seed: UInt64) throws {
    story = Story(seed: seed)
    var random = SeededGenerator(seed: seed)
    outages = (0..<Int.random(in: 1...4, using: &random)).map { _ in
      // Around the beginning of a run, when most is rolled out.
      let run = Double(Int.random(in: 0..<3, using: &random))
      let from = Self.betweenRuns * run + .random(in: -60...20, using: &random)
      return (Int.random(in: 0..<2, using: &random), from, from + Double.random(in: 5...400, using: &random))
    }
    // Now and then, and often when a node comes back, as with keepalived where one of them is preferred.
    let any = (0..<Int.random(in: 0...3, using: &random)).map { _ in
      Double.random(in: 0..<Self.lastOutage, using: &random)
    }
    let returns = outages.filter { _ in Bool.random(using: &random) }.map { outage in
      outage.to + .random(in: 0...10, using: &random)
    }
    moves = (any + returns).sorted()
    inventory = SmallFleet.inventory(
      pairs: 1, degraded: Int.random(in: 0..<3, using: &random) == 0 ? .waitUntilDanger : .deploy,
      pace: PaceSettings(
        ordersInFlight: 2, batchSize: Int.random(in: 1...5, using: &random),
        batchSeconds: Int.random(in: 0...60, using: &random)))
    state = SmallFleet.state(
      try (0..<Int.random(in: 2...9, using: &random)).map { number in
        let spec = try SmallFleet.spec("n\(number)")
        switch Int.random(in: 0..<5, using: &random) {
        // Served on both, on one of them alone, issued and lying ready, or not even that.
        case 0: return SmallFleet.served(spec, issuedAt: SmallFleet.noon)
        case 1: return SmallFleet.served(spec, on: [Bool.random(using: &random) ? "a" : "b"])
        case 2:
          var certificate = SmallFleet.served(spec, on: [])
          certificate.served = nil
          certificate.servedNotAfter = nil
          return certificate
        default: return CertificateState(spec: spec)
        }
      })
  }

  // MARK: The nodes

  private func isAway(_ node: Int, _ seconds: Double, for span: Double = 0) -> Bool {
    outages.contains { $0.node == node && $0.from <= seconds + span && seconds < $0.to }
  }

  /// The VIP stays where it is until it is moved, or its node goes away.
  private func active(at seconds: Double) -> NodeID? {
    var holder = 0
    for moment in (moves + outages.flatMap { [$0.from, $0.to] }).sorted() where moment <= seconds {
      if moves.contains(moment) || isAway(holder, moment) {
        holder = isAway(1 - holder, moment) ? holder : 1 - holder
      }
    }
    return isAway(holder, seconds) ? nil : Self.nodes[holder]
  }

  private func survey(_ pair: Pair, _ now: Date) -> PairSurvey {
    let seconds = now.timeIntervalSince(SmallFleet.noon)
    var survey = PairSurvey(active: [:], unreachable: [:], at: now)
    let silence = Failure(.nodeUnreachable, "no route")
    for vip in pair.vips { survey.active[vip.id] = active(at: seconds).map { .node($0) } ?? ActiveNode.none(silence) }
    for (index, node) in pair.nodes.enumerated() where isAway(index, seconds) { survey.unreachable[node.id] = silence }
    return survey
  }

  /// A rollout takes three seconds: who goes away meanwhile is lost on the way.
  private func fate(_ order: RolloutOrder, _ now: Date) -> ScriptedWorld.RolloutFate {
    let seconds = now.timeIntervalSince(SmallFleet.noon)
    let silence = Failure(.nodeUnreachable, "no route")
    func isLost(_ node: NodeID?) -> Bool {
      node.map { node in Self.nodes.firstIndex(of: node).map { isAway($0, seconds, for: 3) } == true } == true
    }
    if isLost(order.first) {
      failed.formUnion(order.items.map(\.spec))
      return .turnedBack(silence)
    }
    if let absent = isLost(order.second) ? order.second : order.owing {
      for item in order.items { debts[absent, default: [:]][item.spec] = active(at: seconds) }
    }
    return isLost(order.second) ? .secondLost(silence) : .done
  }

  // MARK: The runs

  /// Runs again and again until all nodes are back for good and a run has nothing left to do.
  func walk() throws -> Story {
    var now = SmallFleet.noon
    for number in 0..<8 {
      failed = []
      for more in 0..<2 {
        let spec = try SmallFleet.spec("r\(number)-\(more)")
        state.certificates[spec.id] = CertificateState(spec: spec)
      }
      var world = ScriptedWorld(
        state, inventory: inventory, seed: story.seed &+ UInt64(number), surveysAll: true, at: now)
      world.survey = survey
      world.fate = fate
      world.watch = { [unowned self] begun, dispatcher in note(begun, dispatcher) }
      if try !world.run(atMost: 86_400) { story.faults.append("run \(number) does not end") }
      state = world.dispatcher.state
      guard now.timeIntervalSince(SmallFleet.noon) < Self.lastOutage else { break }
      now = max(world.now, now.addingTimeInterval(Self.betweenRuns))
    }
    story.state = state
    return story
  }

  private func note(_ begun: ScriptedWorld.Begun, _ dispatcher: Dispatcher) {
    let seconds = begun.at.timeIntervalSince(SmallFleet.noon)
    for node in Self.nodes {
      for spec in Self.owed(on: node, dispatcher.state) where debts[node]?[spec] == nil {
        debts[node, default: [:]][spec] = active(at: seconds)
      }
    }
    guard case .rollOut(let order) = begun.work, let survey = dispatcher.survey(of: Self.pair) else { return }
    let taking = [order.first] + [order.second].compactMap(\.self)
    func broken(_ words: String) { story.faults.append("at \(seconds): \(words): \(order)") }
    if taking.contains(where: { survey.unreachable[$0] != nil }) { broken("a node that does not answer takes part") }
    let items = Set(order.items.map(\.spec))
    let isDebt = items.isSubset(of: Self.owed(on: order.first, dispatcher.state))
    if isDebt, order.second == nil {
      if order.owing != nil { broken("a debt leaves out nobody") }
      for spec in items {
        guard let activeThen = debts[order.first]?.removeValue(forKey: spec) else { continue }
        story.settled += 1
        if activeThen != active(at: seconds) { story.settledAfterMove += 1 }
      }
    } else {
      for node in taking {
        let owed = Self.owed(on: node, dispatcher.state).subtracting(items).subtracting(failed)
        if !owed.isEmpty { broken("\(node) takes part and still owes \(owed.sorted())") }
      }
      if order.second == nil, order.owing == nil { broken("half a pair, and nobody owes it") }
    }
  }

  /// What the VIP serves and the other node has, but this one has not.
  static func owed(on node: NodeID, _ state: FleetState) -> Set<SpecID> {
    Set(
      state.certificates.values.filter { certificate in
        guard let issued = certificate.issued, certificate.served == issued.attempt else { return false }
        return certificate.installations[node]?.attempt != issued.attempt
      }.map(\.spec.id))
  }
}
