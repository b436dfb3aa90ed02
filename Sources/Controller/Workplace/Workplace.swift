public import Fleet
import Foundation
import Journal
import Net
import PKI

/// An inventory that was read without faults and the journal that belongs to it: where every command works.
public struct Workplace: Sendable {
  /// What the operator wrote down.
  public let inventory: Inventory
  /// What to say on stderr before the result.
  public let warnings: [String]
  /// What is wrong with the inventory, where a sweep goes by an earlier one.
  var inputs: InputReview?
  let journal: JournalStore
  /// What each authority allows.
  let limits: [AuthorityID: LimitTable]
  let clock: any TimeSource

  /// Reads the inventory and opens the journal in its state directory.
  ///
  /// - Parameters:
  ///   - state: A state directory instead of the inventory's.
  ///   - readOnly: For commands that only look: nothing is made or changed, and a run beside is not disturbed.
  /// - Throws: `CommandFault.badInput` with every fault of the inventory, `.couldNotRun` where the journal cannot be opened.
  public static func open(
    inventory path: String, state: String? = nil, readOnly: Bool = false, clock: any TimeSource = SystemClock()
  ) throws(CommandFault) -> Workplace {
    let (inventory, warnings) = try readInventory(path, state: state)
    let limits = try LimitTables.tables(of: inventory)
    let journal = try journaled(
      readOnly && PrivateFile.exists(inventory.state)
        ? try openForReading(inventory.state) : try openJournal(in: inventory.state))
    return Workplace(inventory: inventory, warnings: warnings, journal: journal, limits: limits, clock: clock)
  }

  /// The inventory without faults, and its warnings.
  static func readInventory(
    _ path: String, state: String?
  ) throws(CommandFault) -> (inventory: Inventory, warnings: [String]) {
    let loaded: InventoryLoader.Loaded
    do throws(InventoryLoader.Unreadable) {
      loaded = try InventoryLoader.load(path: path)
    } catch {
      throw .badInput(error.description)
    }
    let printer = DiagnosticPrinter()
    guard var inventory = loaded.inventory, !loaded.diagnostics.contains(where: { $0.severity == .error }) else {
      throw .badInput(printer.text(loaded.diagnostics))
    }
    if let state { inventory.state = absolute(state) }
    return (inventory, loaded.diagnostics.map { printer.text($0) })
  }

  /// A state directory without a journal is a fleet nobody has run yet: reading it makes an empty journal rather than a complaint.
  private static func openForReading(_ directory: String) throws(JournalError) -> JournalStore {
    do throws(JournalError) {
      return try JournalStore.openReadOnly(directory: directory, hash: digest)
    } catch {
      switch error {
      case .missing, .olderSchema: return try JournalStore.open(directory: directory, hash: digest)
      default: throw error
      }
    }
  }

  static let digest: HashFunction = { sha256($0) }

  static func openJournal(in directory: String) throws(JournalError) -> JournalStore {
    try JournalStore.open(directory: directory, hash: digest)
  }

  static func absolute(_ path: String) -> String {
    path.hasPrefix("/") ? path : FileManager.default.currentDirectoryPath + "/" + path
  }

  /// The state of the fleet as the journal holds it.
  func fleetState() throws(CommandFault) -> FleetState {
    return try journaled(try journal.fleetState())
  }

  /// Records what a person said.
  @discardableResult
  func record(_ events: [Event]) async throws(CommandFault) -> [Record] {
    guard !events.isEmpty else { return [] }
    return try await journaled { () async throws(JournalError) in
      try await journal.append(events, sweep: nil, at: clock.now)
    }
  }
}

/// Work with the journal as a part of a command: what it cannot record or tell ends the command.
func journaled<Value: ~Copyable>(_ work: @autoclosure () throws(JournalError) -> Value) throws(CommandFault) -> Value {
  do throws(JournalError) {
    return try work()
  } catch {
    throw CommandFault(error)
  }
}

/// The same for more of it, and for what waits.
func journaled<Value>(_ work: () async throws(JournalError) -> Value) async throws(CommandFault) -> Value {
  do throws(JournalError) {
    return try await work()
  } catch {
    throw CommandFault(error)
  }
}

extension CommandFault {
  /// What cannot be recorded must not be done: the command could not run.
  init(_ error: JournalError) { self = .couldNotRun(error.description) }
}
