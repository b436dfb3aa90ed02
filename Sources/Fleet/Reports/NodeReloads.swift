extension SweepReport {
  /// The reloads of one node during the run.
  public struct NodeReloads: Sendable, Equatable, Codable {
    /// The node.
    public var node: NodeID
    /// How many.
    public var count = 0
    /// Certificates that they put into use.
    public var certificates = 0
    /// The longest, from the command until it was taken up.
    public var longestMilliseconds = 0
    /// What new connections met meanwhile; nil where that was measured at none of them.
    public var handshakes: HandshakeTally?
    /// At how many it was not measured.
    public var notMeasured = 0
    /// Why not at the last of those.
    public var reasonNotMeasured: String?

    /// Those of a run: first where connections failed for longest, then the slowest.
    static func all(in records: [Record]) -> [NodeReloads] {
      var found: [NodeID: NodeReloads] = [:]
      for record in records {
        guard case .reloaded(_, let node, let reload) = record.event else { continue }
        found[node, default: NodeReloads(node: node)].add(reload)
      }
      return found.values.sorted {
        ($1.handshakes?.failingMilliseconds ?? 0, $1.longestMilliseconds, $0.node)
          < ($0.handshakes?.failingMilliseconds ?? 0, $0.longestMilliseconds, $1.node)
      }
    }

    private mutating func add(_ reload: Reload) {
      count += reload.count
      certificates += reload.certificates
      longestMilliseconds = max(longestMilliseconds, reload.milliseconds)
      switch reload.handshakes {
      case .measured(_, let tally): handshakes = (handshakes ?? HandshakeTally()).adding(tally)
      case .notMeasured(let reason): (notMeasured, reasonNotMeasured) = (notMeasured + 1, reason)
      case nil: notMeasured += 1
      }
    }

    /// One line of the report.
    var line: String {
      let number = "\(Wording.count(count, "reload")) for \(Wording.count(certificates, "certificate"))"
      var parts = ["\(node): \(number), up to \(Wording.seconds(longestMilliseconds))"]
      if let handshakes { parts.append(handshakes.words) }
      if notMeasured > 0 {
        let which = handshakes == nil ? "connections meanwhile" : "during \(Wording.count(notMeasured, "reload"))"
        parts.append("\(which) not measured" + (reasonNotMeasured.map { ": \(Printable.terminal($0))" } ?? ""))
      }
      return parts.joined(separator: "; ")
    }

    /// What all of them came to, in a sentence or two for a manager; none where nothing was reloaded.
    static func summary(_ all: [NodeReloads]) -> [String] {
      guard let slowest = all.max(by: { $0.longestMilliseconds < $1.longestMilliseconds }) else { return [] }
      let sum = Wording.count(all.reduce(0) { $0 + $1.count }, "reload")
      let time = Wording.seconds(slowest.longestMilliseconds)
      let head = "\(sum) on \(Wording.count(all.count, "node")); the slowest took \(time), on \(slowest.node)"
      let tallies = all.compactMap(\.handshakes)
      guard !tallies.isEmpty else { return [head] }
      let tally = tallies.reduce(HandshakeTally()) { $0.adding($1) }
      return [head, "Connecting to each node all the while (visitors use the active one only): \(tally.words)"]
    }
  }
}
