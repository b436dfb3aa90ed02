public import Fleet
import Foundation

/// A plan in a file: `run FILE` touches exactly these certificates.
public struct SavedPlan: Sendable, Codable {
  /// The plan.
  public var plan: Plan
  /// Which revision of each certificate was planned: other names, another key or profile make another one.
  public var revisions: [String: Int]?

  /// The certificates that it would change.
  var specs: Set<SpecID> {
    Set(plan.changes.filter { $0.action == .issue || $0.action == .renew || $0.action == .redeploy }.map(\.spec))
  }

  static func load(from path: String) throws(CommandFault) -> SavedPlan {
    let data: Data
    do throws(TextFile.Fault) {
      data = Data(try TextFile.read(path, limit: 256 << 20))
    } catch {
      throw .badInput("the plan \(path) cannot be read: \(error.reason)")
    }
    let decoder = JSONDecoder()
    decoder.dateDecodingStrategy = .iso8601
    do {
      return try decoder.decode(SavedPlan.self, from: data)
    } catch {
      throw .badInput("\(path) is no plan; certfleet plan --out FILE writes one")
    }
  }

  /// Writes it.
  public func save(to path: String) throws(CommandFault) {
    let encoder = JSONEncoder()
    encoder.dateEncodingStrategy = .iso8601
    encoder.outputFormatting = [.prettyPrinted, .sortedKeys, .withoutEscapingSlashes]
    do {
      try encoder.encode(self).write(to: URL(filePath: path), options: .atomic)
    } catch {
      throw .couldNotRun("\(path) cannot be written: \(error.localizedDescription)")
    }
  }
}

/// What changed between a plan and the moment at which it is done.
struct PlanDrift: Equatable {
  /// Served or issued since, so nothing is left to do.
  var done: [SpecID] = []
  /// No longer wanted.
  var gone: [SpecID] = []
  /// Other names, another key or profile than was planned: left out.
  var revised: [SpecID] = []
  /// Held back now.
  var blocked: [(spec: SpecID, reason: Reason)] = []

  static func == (left: Self, right: Self) -> Bool {
    left.done == right.done && left.gone == right.gone && left.revised == right.revised
      && left.blocked.map(\.spec) == right.blocked.map(\.spec)
  }

  init(_ saved: SavedPlan, _ state: FleetState, inventory: Inventory, at now: Date) {
    let present = Dictionary(
      Planner.plan(state, inventory: inventory, at: now).changes.map { ($0.spec, $0) }
    ) { first, _ in first }
    for spec in saved.specs.sorted() {
      guard let certificate = state.certificates[spec], let change = present[spec] else {
        gone.append(spec)
        continue
      }
      if let planned = saved.revisions?[spec.rawValue], planned != certificate.revision {
        revised.append(spec)
      } else {
        switch change.action {
        case .keep: done.append(spec)
        case .blocked: blocked.append((spec, change.reason))
        case .issue, .renew, .redeploy: break
        }
      }
    }
  }

  /// One line for each kind of change; empty where all is as it was.
  func lines(since: Date) -> [String] {
    func line(_ specs: [SpecID], _ what: String) -> String? {
      guard !specs.isEmpty else { return nil }
      let shown = specs.prefix(5).map(\.rawValue).joined(separator: ", ") + (specs.count > 5 ? ", …" : "")
      let count = Wording.count(specs.count, "certificate")
      return "since the plan of \(Wording.minute(since)) UTC, \(count) \(what): \(shown)"
    }
    let held = Dictionary(grouping: blocked, by: \.reason.text).sorted { $0.key < $1.key }
    return [
      line(revised, "got other names, key or profile and is left out; plan again"),
      line(gone, "no longer wanted"), line(done, "done already"),
    ].compactMap(\.self) + held.compactMap { line($0.value.map(\.spec), "held back (\($0.key))") }
  }
}
