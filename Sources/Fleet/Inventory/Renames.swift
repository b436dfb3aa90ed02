/// Which pairs, VIPs and nodes of an inventory are old ones with a new id. The certificates there keep their files, and nothing is ordered.
///
/// A thing was renamed where its id is gone, an unknown id has come, and both are at the same place; where more than one could be meant nothing
/// is taken for renamed, and that is said.
public struct Renames: Sendable, Equatable {
  /// Pairs, from their old ids to the new ones.
  public private(set) var pairs: [PairID: PairID] = [:]
  /// VIPs whose own id or pair's id changed.
  public private(set) var vips: [VIPReference: VIPReference] = [:]
  /// Nodes.
  public private(set) var nodes: [NodeID: NodeID] = [:]
  /// What might be renamed but is not clear, in words.
  public private(set) var doubts: [String] = []

  /// Compares what an inventory was with what it is.
  public init(from old: InventoryPlaces, to new: InventoryPlaces) {
    nodes = match(
      "node", old.pairs.flatMap(\.nodes).map { Item(id: $0.id, place: $0.place) },
      new.pairs.flatMap(\.nodes).map { Item(id: $0.id, place: $0.place) })
    pairs = match(
      "pair", old.pairs.map { Item(id: $0.id, place: $0.place) }, new.pairs.map { Item(id: $0.id, place: $0.place) })
    let present = Dictionary(new.pairs.map { ($0.id, $0) }) { first, _ in first }
    for pair in old.pairs {
      guard let now = present[pairs[pair.id] ?? pair.id] else { continue }
      let renamed = match(
        "VIP", pair.vips.map { Item(id: $0.id, place: $0.place) }, now.vips.map { Item(id: $0.id, place: $0.place) })
      for vip in pair.vips {
        let from = VIPReference(pair: pair.id, vip: vip.id)
        let to = VIPReference(pair: now.id, vip: renamed[vip.id] ?? vip.id)
        if from != to, now.vips.contains(where: { $0.id == to.vip }) { vips[from] = to }
      }
    }
  }

  private struct Item<Subject> {
    var id: ID<Subject>
    var place: String
  }

  private mutating func match<Subject>(
    _ what: String, _ old: [Item<Subject>], _ new: [Item<Subject>]
  ) -> [ID<Subject>: ID<Subject>] {
    let oldIDs = Set(old.map(\.id))
    let newIDs = Set(new.map(\.id))
    let gone = Dictionary(grouping: old.filter { !newIDs.contains($0.id) }, by: \.place)
    let come = Dictionary(grouping: new.filter { !oldIDs.contains($0.id) }, by: \.place)
    var found: [ID<Subject>: ID<Subject>] = [:]
    for (place, before) in gone.sorted(by: { $0.key < $1.key }) {
      guard let after = come[place] else { continue }
      if before.count == 1, after.count == 1 {
        found[before[0].id] = after[0].id
      } else {
        let ids = (before + after).map { "“\($0.id)”" }.joined(separator: ", ")
        doubts.append(
          "\(what) \(ids) are all at \(place), so it is not clear which was renamed; certificates there count as new ones"
        )
      }
    }
    return found
  }

  /// The same certificate under its new ids, with the file name that it has; nil where nothing changes.
  public func renamed(_ spec: CertificateSpec) -> CertificateSpec? {
    guard let to = vips[spec.vipReference] else { return nil }
    var moved = spec
    moved.pair = to.pair
    moved.vip = to.vip
    let parts = spec.id.rawValue.split(separator: "/", maxSplits: 2, omittingEmptySubsequences: false)
    moved.id = SpecID(
      parts.count == 3 ? "\(to.pair)/\(to.vip)/\(parts[2])" : "\(to.pair)/\(parts.last.map(String.init) ?? "")")
    return moved
  }

  /// What is recorded of them: nothing for what the state does not know, or where the new id is another certificate's already.
  public func events(in state: FleetState) -> [Event] {
    var events: [Event] = []
    var ids: [SpecID: SpecID] = [:]
    if !vips.isEmpty {
      for certificate in state.certificates.values.sorted(by: { $0.spec.id < $1.spec.id }) {
        guard let moved = renamed(certificate.spec),
          moved.id == certificate.spec.id || state.certificates[moved.id] == nil
        else { continue }
        ids[certificate.spec.id] = moved.id
        events.append(.specMoved(from: certificate.spec.id, to: moved))
      }
    }
    for (from, to) in pairs.sorted(by: { $0.key < $1.key }) where state.pairs[from] != nil {
      events.append(.pairMoved(from: from, to: to))
    }
    for (from, to) in nodes.sorted(by: { $0.key < $1.key }) {
      let touched = state.certificates.values.filter { $0.mentions(from) }.map { ids[$0.spec.id] ?? $0.spec.id }
        .sorted()
      guard state.nodes[from] != nil || !touched.isEmpty else { continue }
      events.append(.nodeMoved(from: from, to: to, certificates: touched))
    }
    return events
  }
}
