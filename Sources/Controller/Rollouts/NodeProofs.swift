import Fleet

/// What one node's use of its certificates was proved by.
struct NodeProofs {
  private var best: [SpecID: (level: Proof, reason: String)] = [:]

  subscript(spec: SpecID) -> (level: Proof, reason: String)? { best[spec] }

  /// Where two listeners hold a certificate, the weaker proof counts.
  mutating func take(_ proof: (level: Proof, reason: String), of spec: SpecID) {
    if let known = best[spec], known.level <= proof.level { return }
    best[spec] = proof
  }

  /// What a listener of the node showed on the wire counts more than what the node says of itself.
  ///
  /// - Returns: What it serves instead, where that is another certificate.
  mutating func take(_ sights: [SpecID: Verifier.Sight], from probe: ProbeAddress) -> [SpecID: String] {
    var others: [SpecID: String] = [:]
    for (spec, sight) in sights {
      switch sight {
      case .same: best[spec] = (.wire, "handshake with \(probe.address):\(probe.port)")
      case .other(let seen): others[spec] = seen
      case .silent(let reason): add(reason, to: spec)
      case .cut: add("the look was ended", to: spec)
      }
    }
    return others
  }

  /// Says more about why the proof is no better.
  mutating func add(_ reason: String, to spec: SpecID) { best[spec]?.reason += "; \(reason)" }

  /// Those of the same proof together, as they are recorded; an item without a proof is left out.
  func grouped<Item>(
    _ items: [Item], by spec: (Item) -> SpecID
  ) -> [(proof: (level: Proof, reason: String), items: [Item])] {
    Dictionary(grouping: items.filter { best[spec($0)] != nil }) { best[spec($0)].map { "\($0.level) \($0.reason)" } }
      .sorted { $0.key ?? "" < $1.key ?? "" }
      .compactMap { _, items in items.first.flatMap { best[spec($0)] }.map { ($0, items) } }
  }
}
