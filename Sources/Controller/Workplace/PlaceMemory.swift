import Fleet
import Foundation
import Journal

extension Workplace {
  /// What has another id in the inventory than at the last import, at the same address: taken over in `state`, with the events that say so.
  func renames(
    in state: inout FleetState
  ) throws(CommandFault) -> (events: [Event], lines: [String], doubts: [String]) {
    guard let text = try journaled(try journal.setting(Self.placesSetting)) else { return ([], [], []) }
    let old: InventoryPlaces
    do {
      old = try JSONDecoder().decode(InventoryPlaces.self, from: Data(text.utf8))
    } catch {
      // Another version's: as in a journal that never knew any.
      return ([], [], [])
    }
    let renames = Renames(from: old, to: InventoryPlaces(inventory.pairs))
    let events = renames.events(in: state)
    do throws(IllegalTransition) {
      for event in events { try state.apply(Record(sequence: 0, at: clock.now, sweep: nil, event: event)) }
    } catch {
      throw .couldNotRun(error.description)
    }
    return (events, Self.lines(renames, events), renames.doubts)
  }

  /// For people: each thing once, with what becomes of it.
  private static func lines(_ renames: Renames, _ events: [Event]) -> [String] {
    guard !events.isEmpty else { return [] }
    let moved = events.count { if case .specMoved = $0 { true } else { false } }
    let things =
      renames.pairs.sorted { $0.key < $1.key }.map { "pair \($0.key) is \($0.value)" }
      + renames.vips.sorted { ($0.key.pair, $0.key.vip) < ($1.key.pair, $1.key.vip) }
      .filter { $0.key.vip != $0.value.vip }.map { "VIP \($0.key.vip) of \($0.value.pair) is \($0.value.vip)" }
      + renames.nodes.sorted { $0.key < $1.key }.map { "node \($0.key) is \($0.value)" }
    return things.map { "renamed in the inventory: \($0) now" }
      + (moved == 0 ? [] : ["\(Wording.count(moved, "certificate")) of them: the same files, no new order"])
  }

  /// Remembers where things are, so that the next import knows them by their addresses.
  func rememberPlaces() async throws(CommandFault) {
    let encoder = JSONEncoder()
    encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
    let text: String
    do {
      text = String(decoding: try encoder.encode(InventoryPlaces(inventory.pairs)), as: UTF8.self)
    } catch {
      throw .couldNotRun("the inventory's addresses cannot be written down: \(error)")
    }
    try await journaled { () async throws(JournalError) in
      guard try journal.setting(Self.placesSetting) != text else { return }
      try await journal.set(Self.placesSetting, to: text)
    }
  }

  private static var placesSetting: String { "inventory places" }
}
