import Fleet
import Foundation
import Testing

/// Certificates of one pair through months: renewals, rollouts that are cut short anywhere, an operator's rollbacks, moves to another VIP, files
/// replaced by hand. What the journal believes is held against two model disks.
@Suite struct PairWalkTests {
  static let walks = 2_000 as UInt64

  @Test func aFileOfOursIsNeverTakenForOneThatWasPutThereByHandAndTheOtherWayRound() throws {
    var reached: [String: Int] = [:]
    for seed in 0..<Self.walks {
      var walk = try PairWalk(seed: seed)
      for _ in 0..<25 {
        let act = try walk.act()
        reached[act, default: 0] += 1
        for node in PairWalk.nodes {
          guard let file = walk.disks[node] else { continue }
          let isKnown = walk.isOurs(file.leaf, on: node)
          #expect(isKnown != file.isByHand, "seed \(seed), after \(act): \(file) on \(node)")
        }
        if walk.certificate.mayOverwrite { #expect(act == "retry" || walk.handsKnown > 0) }
      }
    }
    for act in PairWalk.acts { #expect(reached[act, default: 0] > 500, "\(act) is hardly ever reached") }
  }

  @Test func aFileThatWasReplacedByHandIsOverwrittenOnlyAfterRetry() throws {
    for seed in 0..<Self.walks {
      var walk = try PairWalk(seed: seed)
      for _ in 0..<25 { _ = try walk.act() }
      #expect(walk.overwrittenUnasked == 0, "seed \(seed)")
    }
  }

  @Test func whatAnOperatorRolledBackIsNotRolledOutAgainUntilRetryOrDanger() throws {
    let spec = try SmallFleet.spec("shop")
    var state = SmallFleet.state([SmallFleet.served(spec)])
    let inventory = SmallFleet.inventory()
    let newest = try #require(state.certificates[spec.id]?.issuedReference)
    let old = PreviousCertificate(
      of: newest, sha256: "sha-before", serial: "0a",
      notBefore: SmallFleet.noon.addingTimeInterval(-60 * SmallFleet.day),
      notAfter: SmallFleet.noon.addingTimeInterval(30 * SmallFleet.day))
    for node in inventory.pairs[0].nodes {
      try state.learn(
        .rolledBack(rollback: RolloutID("b"), node: node.id, certificates: [old], proof: .wire, reason: ""))
    }
    func action(_ days: Double) -> Action? {
      Planner.plan(state, inventory: inventory, at: SmallFleet.noon.addingTimeInterval(days * SmallFleet.day))
        .changes.first?.action
    }

    #expect(action(0) == .blocked)
    #expect(action(19) == .blocked)
    // A ninth of its 90 days is left.
    #expect(action(20.5) == .redeploy)
    try state.learn(.retryAsked(spec: spec.id))
    #expect(action(0) == .redeploy)
    #expect(state.certificates[spec.id]?.mayOverwrite == false)
  }

  @Test func aCertificateThatMovedToAnotherVIPIsProvedAnewThere() throws {
    var spec = try SmallFleet.spec("shop")
    var state = SmallFleet.state([SmallFleet.served(spec)])
    let node = SmallFleet.inventory().pairs[0].nodes[0].id
    let leaf = try #require(state.certificates[spec.id]?.installations[node]?.sha256)
    spec.vip = VIPID("mail")

    try state.learn(.specChanged(spec))

    let moved = try #require(state.certificates[spec.id])
    #expect(moved.installations.isEmpty)
    #expect(moved.ownLeaves(on: node) == [leaf])
    #expect(moved.served == nil)
  }
}

/// One certificate on two model disks.
struct PairWalk {
  struct File: Equatable {
    var leaf: String
    var isByHand: Bool
  }

  static let nodes = [NodeID("lb0-a"), NodeID("lb0-b")]
  static let acts = ["issue", "roll out", "roll back", "move", "by hand", "retry"]

  private(set) var state: FleetState
  private(set) var disks: [NodeID: File] = [:]
  /// How often a file by hand was overwritten although nobody had said `retry`.
  private(set) var overwrittenUnasked = 0
  /// How often a rollout found a file by hand.
  private(set) var handsKnown = 0
  /// What each node keeps for an operator's rollback.
  private var previous: [NodeID: File] = [:]
  private var random: SeededGenerator
  private let id: SpecID
  private var count = 0

  init(seed: UInt64) throws {
    let spec = try SmallFleet.spec("shop")
    id = spec.id
    state = FleetState()
    random = SeededGenerator(seed: seed)
    try state.learn(.specAdded(spec))
  }

  var certificate: CertificateState {
    guard let certificate = state.certificates[id] else {
      fatalError("the walk never removes it")  // cannot be reached: no act removes the spec
    }
    return certificate
  }

  /// What `by_hand` on the node would say of a leaf, the new one being fine as well.
  func isOurs(_ leaf: String, on node: NodeID) -> Bool {
    leaf == certificate.issued?.sha256 || certificate.ownLeaves(on: node).contains(leaf)
  }

  mutating func act() throws -> String {
    let act = Self.acts[[0, 0, 1, 1, 1, 1, 2, 3, 4, 5][Int.random(in: 0..<10, using: &random)]]
    count += 1
    switch act {
    case "issue": try issue()
    case "roll out": try rollOut()
    case "roll back": try rollBack()
    case "move":
      var spec = certificate.spec
      spec.vip = VIPID(spec.vip == VIPID("web") ? "mail" : "web")
      // The same directory serves both VIPs: the harder case, for the files stay.
      try state.learn(.specChanged(spec))
    case "by hand":
      let node = Self.nodes[Int.random(in: 0..<2, using: &random)]
      if Bool.random(using: &random) { disks[node] = File(leaf: "hand-\(count)", isByHand: true) }
    default: try state.learn(.retryAsked(spec: id))
    }
    return act
  }

  private mutating func issue() throws {
    let of = AttemptReference(spec: id, attempt: AttemptID("a\(count)"))
    try state.learn(
      .attemptStarted(
        of: of, names: certificate.spec.names, authority: SmallFleet.authority, revision: certificate.revision))
    try state.learn(.keyMade(of: of, key: Attempt.Key(node: Self.nodes[0], request: "CSR")))
    try state.learn(.orderRequested(of: of))
    try state.learn(.orderCreated(of: of, url: "https://ca.example/1"))
    try state.learn(.finalizeRequested(of: of))
    try state.learn(.issued(of: of, certificate: SmallFleet.certificate(of.attempt)))
  }

  /// The real machine over model disks; the run may be killed after any step, which is how debts and doubts come about.
  private mutating func rollOut() throws {
    guard let of = certificate.issuedReference, let issued = certificate.issued else { return }
    let nodes = Bool.random(using: &random) ? Self.nodes : Self.nodes.reversed()
    let two = Int.random(in: 0..<4, using: &random) > 0
    let mayOverwrite = certificate.mayOverwrite
    let own = Dictionary(uniqueKeysWithValues: Self.nodes.map { ($0, Set(certificate.ownLeaves(on: $0))) })
    let rolloutID = RolloutID("r\(count)")
    try state.learn(
      .rolloutStarted(
        rollout: rolloutID, pair: PairID("lb0"), batch: [of], first: nodes[0], second: two ? nodes[1] : nil))
    var rollout = Rollout(id: rolloutID, hasSecond: two)
    var old: [NodeID: File?] = [:]
    while case .doing(let step) = rollout.state {
      if Int.random(in: 0..<20, using: &random) == 0 { return }  // Killed.
      var outcome = chance()
      switch step {
      case .stage(let turn), .activate(let turn):
        let node = nodes[turn == .first ? 0 : 1]
        if let file = disks[node], file.leaf != issued.sha256, !mayOverwrite, own[node]?.contains(file.leaf) != true {
          handsKnown += 1
          outcome = .failed(Failure(.changedByHand, "serial 01"))
          try state.learn(.ejected(rollout: rolloutID, spec: id, failure: Failure(.changedByHand, "serial 01")))
        }
        if case .activate = step { try put(issued.sha256, on: node, outcome, mayOverwrite, &old) }
      case .rollBack(let turn):
        let node = nodes[turn == .first ? 0 : 1]
        if outcome == .succeeded || Bool.random(using: &random), let was = old[node] { disks[node] = was }
      case .verifyVIP where outcome == .succeeded:
        for (turn, node) in zip(Rollout.Turn.allCases, nodes) where rollout.serves(turn) {
          try state.learn(.installed(node: node, certificates: [of], proof: .wire, reason: "seen"))
        }
        try state.learn(.served(certificates: [of]))
      case .cleanUp(let turn):
        let node = nodes[turn == .first ? 0 : 1]
        if rollout.serves(turn), outcome == .succeeded, let was = old[node] { previous[node] = was }
      case .check, .verify, .verifyVIP, .verifyOld: break
      }
      try rollout.apply(step, outcome)
    }
  }

  /// A node that answers puts back what it refused; one that is lost may have come as far as it likes.
  private mutating func put(
    _ leaf: String, on node: NodeID, _ outcome: Rollout.Outcome, _ mayOverwrite: Bool, _ old: inout [NodeID: File?]
  ) throws {
    let arrives: Bool =
      switch outcome {
      case .succeeded: true
      case .failed: false
      case .nodeLost: Bool.random(using: &random)
      }
    guard arrives else { return }
    old[node] = disks[node]
    if disks[node]?.isByHand == true, !mayOverwrite { overwrittenUnasked += 1 }
    disks[node] = File(leaf: leaf, isByHand: false)
  }

  private mutating func rollBack() throws {
    guard let of = certificate.issuedReference else { return }
    for node in Self.nodes {
      guard let kept = previous[node], let file = disks[node], isOurs(file.leaf, on: node), !kept.isByHand else {
        continue
      }
      let item = PreviousCertificate(
        of: of, sha256: kept.leaf, serial: "01", notBefore: SmallFleet.noon,
        notAfter: SmallFleet.noon.addingTimeInterval(SmallFleet.day))
      try state.learn(
        .rollbackStarted(rollback: RolloutID("b\(count)"), pair: PairID("lb0"), node: node, certificates: [item]))
      if Bool.random(using: &random) { disks[node] = kept }
      if Int.random(in: 0..<4, using: &random) == 0 { return }  // Killed.
      guard disks[node] == kept else { continue }
      try state.learn(
        .rolledBack(rollback: RolloutID("b\(count)"), node: node, certificates: [item], proof: .wire, reason: "seen"))
    }
  }

  private mutating func chance() -> Rollout.Outcome {
    switch Int.random(in: 0..<12, using: &random) {
    case 0: RolloutWalk.failed()
    case 1: RolloutWalk.lost()
    default: .succeeded
    }
  }
}

extension FleetState {
  /// Folds one more event, at noon.
  fileprivate mutating func learn(_ event: Event) throws {
    try apply(Record(sequence: 1, at: SmallFleet.noon, sweep: nil, event: event))
  }
}
