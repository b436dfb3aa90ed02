import Fleet
import Foundation

/// Which limits an authority is held to.
enum LimitTables {
  /// Larger than any table of limits with an override for each customer.
  static let maximumBytes = 4 << 20

  /// The tables of all authorities by id; `kept` are texts of files, by path, that go before what lies there now.
  static func tables(
    of inventory: Inventory, kept: [String: String] = [:]
  ) throws(CommandFault) -> [AuthorityID: LimitTable] {
    var tables: [AuthorityID: LimitTable] = [:]
    for authority in inventory.authorities {
      tables[authority.id] = try table(of: authority, kept).with(authority.overrides)
    }
    return tables
  }

  private static func table(of authority: Authority, _ kept: [String: String]) throws(CommandFault) -> LimitTable {
    switch authority.limits {
    case .none: return .none
    case .letsEncryptStaging: return .letsEncryptStaging
    case .letsEncrypt: return .letsEncrypt
    case .file(let path):
      switch kept[path].map(parsed) ?? read(path) {
      case .success(let table): return table
      case .failure(let fault): throw .badInput("\(path): \(fault.reason)")
      }
    }
  }

  /// A file of limits, or what is wrong with it.
  static func read(_ path: String) -> Result<LimitTable, TextFile.Fault> {
    do throws(TextFile.Fault) {
      return parsed(String(decoding: try TextFile.read(path, limit: maximumBytes), as: UTF8.self))
    } catch {
      return .failure(error)
    }
  }

  private static func parsed(_ text: String) -> Result<LimitTable, TextFile.Fault> {
    do {
      return .success(try LimitTable(json: Data(text.utf8)))
    } catch {
      return .failure(TextFile.Fault(reason: Printable.terminal("\(error)")))
    }
  }
}

extension Workplace {
  /// What an operator should know of exact sets before a run, one line each.
  func crowdedSets(of state: FleetState) -> [String] {
    let table = limits[inventory.authorities[0].id] ?? .none
    return CrowdedSet.list(state.certificates.values.lazy.map(\.spec), table).map(\.text)
  }
}
