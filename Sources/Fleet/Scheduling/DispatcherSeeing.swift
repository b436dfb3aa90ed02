/// Seeing is a step of every sweep: which pairs are looked at, once a run, after their nodes were asked and before anything is rolled out there.
struct PairLooks: Sendable {
  /// Whether this run looks at all.
  let isOn: Bool
  /// Pairs looked at at the same time.
  let limit: Int
  /// Pairs that were asked and have something to be seen, in the order in which they answered.
  var waiting: [PairID] = []
  /// Pairs that are being looked at.
  var underWay: Set<PairID> = []
  /// Pairs that were looked at in this run.
  var done: Set<PairID> = []

  init(isOn: Bool, limit: Int) {
    self.isOn = isOn
    self.limit = limit
  }

  /// Nothing is looked at, or to be.
  var isIdle: Bool { waiting.isEmpty && underWay.isEmpty }

  /// Whether the pair is looked at, or will be: what is changed there meanwhile would be taken for drift.
  func holds(_ pair: PairID) -> Bool { underWay.contains(pair) || waiting.contains(pair) }
}

extension Dispatcher {
  /// The nodes answered: what was proved there before is looked at, once in a run.
  mutating func wantLook(at pair: PairID) {
    guard pairLooks.isOn, !pairLooks.done.contains(pair), !pairLooks.holds(pair), !toBeSeen(on: pair).isEmpty else {
      return
    }
    pairLooks.waiting.append(pair)
  }

  /// Certificates that some place of the pair was proved to have.
  private mutating func toBeSeen(on pair: PairID) -> [SpecID] {
    (members[pair] ?? []).filter { id in
      guard let certificate = state.certificates[id], certificate.spec.pair == pair else { return false }
      return certificate.served != nil || !certificate.installations.isEmpty
    }.sorted()
  }

  mutating func pairsToLookAt() -> [Work] {
    var works: [Work] = []
    while pairLooks.underWay.count < pairLooks.limit,
      let index = pairLooks.waiting.firstIndex(where: { !rollingOut.contains($0) })
    {
      let pair = pairLooks.waiting.remove(at: index)
      pairLooks.underWay.insert(pair)
      works.append(.see(pair, toBeSeen(on: pair)))
    }
    return works
  }

  /// A look came to its end; its events were learnt before.
  public mutating func seen(_ pair: PairID) {
    pairLooks.underWay.remove(pair)
    pairLooks.done.insert(pair)
    dirtyAll(of: pair)
  }
}

extension PaceSettings {
  /// Pairs that are looked at at the same time: each takes a script and three addresses.
  var looksInFlight: Int { max(1, min(8, nodesInFlight)) }
}
