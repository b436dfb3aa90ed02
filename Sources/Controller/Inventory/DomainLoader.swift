public import Fleet
public import Foundation
import Names

/// Reads lists of domains from disk, with the real rules for names.
public enum DomainLoader {
  /// 64 MiB are a million rows.
  static let maximumBytes = 64 << 20
  /// Suffixes come and go: with an older list, names are counted under the wrong registered domain.
  static let maximumListAge: TimeInterval = 180 * 86_400

  /// Reads `files`; without any, those of the inventory. What cannot be read is a fault, too.
  ///
  /// - Parameter isPartial: the inventory has faults; then only the lists' own are answered with, and no list.
  public static func load(
    files: [String]? = nil, inventory: Inventory, defaultPair: PairID? = nil, defaultCustomer: CustomerID? = nil,
    isPartial: Bool = false, now: Date
  ) -> (list: DomainList, diagnostics: [Diagnostic]) {
    var diagnostics: [Diagnostic] = []
    let rules: DomainNameRules
    do throws(NameFault) {
      rules = try SuffixKeeper(inventory: inventory).choose().rules
    } catch {
      let place = SourceLocation(file: TextFile.shown(inventory.path), line: 1, column: 1)
      return (DomainList(), [Diagnostic(.error, at: place, error.text, remedy: error.remedy)])
    }
    if let (path, modified) = rules.listAge, now.timeIntervalSince(modified) > maximumListAge {
      let days = Int(now.timeIntervalSince(modified) / 86_400)
      diagnostics.append(
        Diagnostic(
          .warning, at: SourceLocation(file: path, line: 1, column: 1), "the public suffix list is \(days) days old",
          remedy: inventory.publicSuffixList == nil && inventory.suffixes != .system
            ? "run `certfleet suffixes update`; without a way out, name a newer list with `public_suffix_list:`"
            : "update the package publicsuffix, or name a newer list with `public_suffix_list:`"))
    }
    var sources: [DomainSource] = []
    var seen: Set<String> = []
    for file in files ?? inventory.domainFiles {
      let path = TextFile.absolute(file)
      let shown = files == nil ? TextFile.shown(path) : file
      guard seen.insert(path).inserted else { continue }
      do throws(TextFile.Fault) {
        sources.append(DomainSource(name: shown, path: path, bytes: try TextFile.read(path, limit: maximumBytes)))
      } catch {
        diagnostics.append(
          Diagnostic(
            .error, at: SourceLocation(file: shown, line: 1, column: 1), "the list cannot be read: \(error.reason)",
            remedy: "check the path"))
      }
    }
    let result = DomainListReader.read(
      sources, inventory: inventory, names: NameRules(rules), defaultPair: defaultPair,
      defaultCustomer: defaultCustomer,
      isPartial: isPartial)
    return (result.list, diagnostics + result.diagnostics)
  }
}

extension NameRules {
  /// The rules of module `Names`.
  init(_ rules: DomainNameRules) {
    self.init(
      aLabel: { (text) throws(NameRules.Fault) in
        do throws(NameFault) {
          return try rules.aLabel(text)
        } catch {
          throw Fault(error.text, remedy: error.remedy)
        }
      },
      registeredDomain: { rules.registeredDomain(of: $0) },
      isSuffix: { rules.isSuffix($0) })
  }
}
