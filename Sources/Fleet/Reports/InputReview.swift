public import Foundation

/// What was wrong with the files that say what is wanted, and what a run did about it.
public struct InputReview: Sendable, Equatable, Codable {
  /// The first of the faults, as `check` prints them.
  public private(set) var faults: [Diagnostic]
  /// How many there are.
  public private(set) var count: Int
  /// Certificates of the lists that wait until the faults are mended; rows that could not be read are not among them.
  public var waiting: Int
  /// Set where the inventory itself has faults: the run went by the one that was read without faults then.
  public var inventoryFrom: Date?

  /// More than this nobody reads in a mail; `check` prints all.
  private static let shown = 20

  /// Keeps the errors among the faults.
  public init(_ faults: [Diagnostic], waiting: Int = 0, inventoryFrom: Date? = nil) {
    let errors = faults.filter { $0.severity == .error }
    self.faults = Array(errors.prefix(Self.shown))
    count = errors.count
    self.waiting = waiting
    self.inventoryFrom = inventoryFrom
  }

  /// One sentence: what is wrong, and what was done nevertheless.
  public var title: String {
    if let inventoryFrom {
      return "The inventory has \(Wording.count(count, "fault")): this run went by the one of "
        + "\(Wording.minute(inventoryFrom)) UTC, and took nothing over from the lists"
    }
    let waits = waiting == 0 ? "" : "; \(Wording.count(waiting, "certificate waits", "certificates wait")) for it"
    return
      "The lists of domains have \(Wording.count(count, "fault")): what faulty rows ask for waits, all else was done"
      + waits
  }

  /// What to do.
  public static let advice = "Mend these; certfleet check shows all of them. What is served stays served meanwhile."

  /// The faults, a line each, and how many more there are.
  public var lines: [String] {
    faults.map { "\($0.location): \($0.message)" } + (count > faults.count ? ["and \(count - faults.count) more"] : [])
  }

  /// For the headline.
  var words: String { "\(Wording.count(count, "fault")) in the \(inventoryFrom == nil ? "lists" : "inventory")" }
}
