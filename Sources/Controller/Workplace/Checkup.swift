public import Fleet
import Foundation

/// `certfleet check`: the inventory and its lists, read without touching any state.
public struct Checkup: Sendable, Encodable {
  /// Every fault and warning, in file order.
  public var diagnostics: [Diagnostic]
  /// How much was read.
  public var pairs = 0
  /// Nodes.
  public var nodes = 0
  /// Customers.
  public var customers = 0
  /// Certificates that the lists ask for.
  public var certificates = 0
  /// Names in them.
  public var names = 0

  /// Whether anything must be corrected before a run.
  public var hasErrors: Bool { diagnostics.contains { $0.severity == .error } }

  /// One line for people.
  public var summary: String {
    "\(Wording.count(pairs, "pair")), \(Wording.count(nodes, "node")), \(Wording.count(customers, "customer")), "
      + "\(Wording.count(certificates, "certificate")) with \(Wording.count(names, "name")): no faults"
  }

  /// Reads the inventory at `path` and the lists that it names.
  public static func run(inventory path: String, clock: any TimeSource = SystemClock()) throws(CommandFault) -> Checkup
  {
    let loaded: InventoryLoader.Loaded
    do throws(InventoryLoader.Unreadable) {
      loaded = try InventoryLoader.load(path: path)
    } catch {
      throw .badInput(error.description)
    }
    var checkup = Checkup(diagnostics: loaded.diagnostics)
    guard let inventory = loaded.inventory else {
      // One fault in the YAML hides none of the lists.
      if let inPart = loaded.inPart {
        checkup.diagnostics += DomainLoader.load(inventory: inPart, isPartial: true, now: clock.now).diagnostics
      }
      return checkup
    }
    let domains = DomainLoader.load(inventory: inventory, now: clock.now)
    checkup.diagnostics += domains.diagnostics
    checkup.pairs = inventory.pairs.count
    checkup.nodes = inventory.pairs.reduce(0) { $0 + $1.nodes.count }
    checkup.customers = inventory.customers.count
    checkup.certificates = domains.list.specs.count
    checkup.names = domains.list.nameCount
    return checkup
  }
}
