import Fleet
public import Foundation
import Names
import Net

/// Which public suffix list is used: `certfleet suffixes show` and `update`.
public struct SuffixStanding: Sendable, Encodable {
  /// The file, or that it is compiled into libpsl.
  public var list: String
  /// Where it comes from.
  public var source: Source
  /// The date written in it, else the file's.
  public var date: Date?
  /// Whole days since then.
  public var days: Int?
  /// When a list was last fetched; nil where none was.
  public var fetched: Date?

  /// Where the list comes from.
  public enum Source: String, Sendable, Encodable {
    case inventory
    case fetched
    case system
  }

  /// For people.
  public var text: String {
    let age = days.map { ", \(Wording.count($0, "day")) old" } ?? ""
    var lines = ["\(Printable.terminal(list))\(age) (\(words))"]
    if let fetched { lines.append("last fetched \(Wording.minute(fetched)) UTC") }
    return lines.joined(separator: "\n")
  }

  private var words: String {
    switch source {
    case .inventory: "named by public_suffix_list:"
    case .fetched: "fetched by certfleet"
    case .system: "the system's"
    }
  }
}

extension Workplace {
  /// What is used now.
  public func suffixes() throws(CommandFault) -> SuffixStanding {
    let keeper = SuffixKeeper(inventory: inventory)
    do throws(NameFault) {
      return standing(keeper, try keeper.choose())
    } catch {
      throw .badInput("\(error.text); \(error.remedy)")
    }
  }

  /// Fetches a newer one.
  public func updateSuffixes() async throws(CommandFault) -> SuffixStanding {
    let keeper = SuffixKeeper(inventory: inventory)
    if inventory.publicSuffixList != nil {
      throw .badInput(
        "the inventory names a list of its own with `public_suffix_list:`; leave that out to have one fetched")
    }
    let loop = CurlLoop()
    defer { loop.shutdown() }
    do throws(SuffixKeeper.Fault) {
      _ = try await keeper.update(over: HTTPClient(loop: loop), at: clock.now)
    } catch {
      throw .couldNotRun("\(error.reason); the list that is there goes on to be used")
    }
    return try suffixes()
  }

  /// Fetches a newer list in a renewal where that is due; what goes wrong is told and stops nothing.
  func refreshSuffixes() async -> String? {
    let keeper = SuffixKeeper(inventory: inventory)
    guard keeper.isDue(at: clock.now) else { return nil }
    let loop = CurlLoop()
    defer { loop.shutdown() }
    do throws(SuffixKeeper.Fault) {
      _ = try await keeper.update(over: HTTPClient(loop: loop), at: clock.now)
      return nil
    } catch {
      return "the public suffix list: \(error.reason); the newest that is there is used"
    }
  }

  private func standing(_ keeper: SuffixKeeper, _ chosen: SuffixKeeper.Chosen) -> SuffixStanding {
    let age = chosen.rules.listAge
    let source: SuffixStanding.Source =
      inventory.publicSuffixList != nil ? .inventory : chosen.isKept ? .fetched : .system
    return SuffixStanding(
      list: age?.path ?? "unknown", source: source, date: age?.modified,
      days: age.map { max(0, Int(clock.now.timeIntervalSince($0.modified) / 86_400)) }, fetched: keeper.fetchedAt)
  }
}
