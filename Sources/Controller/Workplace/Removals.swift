public import Fleet
import Foundation
import Journal

/// What `remove` and `quarantine drop` did, and the rows that would undo it.
public struct Removal: Sendable {
  /// The certificates that are no longer wanted, by id.
  public var specs: [String]
  /// Where the inventory's lists still ask for them: the first row of each.
  public var listed: [Listed]
  /// Lists that were imported by hand and had them, for those that stand in no list of the inventory.
  public var imported: [String]

  /// A certificate and the row that still asks for it.
  public struct Listed: Sendable {
    /// Which.
    public var spec: SpecID
    /// Where it stands first.
    public var location: SourceLocation
  }

  /// For people: what to do so that it stays away.
  public var advice: [String] {
    listed.map {
      "\(Printable.terminal("\($0.location)")): take this row off the list, else the next run wants \($0.spec) again"
    }
      + imported.map {
        "\(Printable.terminal($0)) had it when it was imported: take it off there too, else the next import wants it again"
      }
  }
}

extension Workplace {
  /// No longer wants these certificates, and says which rows still ask for them. certfleet never edits the lists: they are the operator's.
  func withdraw(_ specs: [CertificateSpec]) async throws(CommandFault) -> Removal {
    let specs = specs.sorted { $0.id < $1.id }
    try await record(specs.map { .specRemoved(spec: $0.id) })
    let list = DomainLoader.load(inventory: inventory, now: clock.now).list
    let listed = specs.compactMap { spec in
      list.locations[spec.id].map { Removal.Listed(spec: spec.id, location: $0) }
    }
    let sources = Set(specs.filter { list.locations[$0.id] == nil }.compactMap(\.source)).subtracting(list.sources)
    return Removal(specs: specs.map(\.id.rawValue), listed: listed, imported: sources.sorted())
  }

  /// A line for each of these certificates that somebody removed by hand and that a row asks for again.
  func returns(_ specs: [CertificateSpec], in list: DomainList) throws(CommandFault) -> [String] {
    guard !specs.isEmpty else { return [] }
    let removals = try journaled(try journal.removals())
    return specs.compactMap { spec in
      guard let removed = removals[spec.id], let place = list.locations[spec.id] else { return nil }
      return "\(Printable.terminal("\(place)")): \(spec.id) was removed on \(Wording.minute(removed)) UTC, "
        + "and this row asks for it again; take the row off the list if it is to stay away"
    }
  }
}
