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
    let warnings = loaded.diagnostics.map { printer.text($0) }
    let limits = try LimitTables.tables(of: inventory)
    do throws(JournalError) {
      let journal =
        readOnly && PrivateFile.exists(inventory.state)
        ? try openForReading(inventory.state) : try JournalStore.open(directory: inventory.state, hash: digest)
      return Workplace(inventory: inventory, warnings: warnings, journal: journal, limits: limits, clock: clock)
    } catch {
      throw CommandFault(error)
    }
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

  private static let digest: HashFunction = { sha256($0) }

  private static func absolute(_ path: String) -> String {
    path.hasPrefix("/") ? path : FileManager.default.currentDirectoryPath + "/" + path
  }

  /// The state of the fleet as the journal holds it.
  func fleetState() throws(CommandFault) -> FleetState {
    do throws(JournalError) {
      return try journal.fleetState()
    } catch {
      throw CommandFault(error)
    }
  }

  /// Records what a person said.
  @discardableResult
  func record(_ events: [Event]) async throws(CommandFault) -> [Record] {
    guard !events.isEmpty else { return [] }
    do throws(JournalError) {
      return try await journal.append(events, sweep: nil, at: clock.now)
    } catch {
      throw CommandFault(error)
    }
  }
}

extension CommandFault {
  /// What cannot be recorded must not be done: the command could not run.
  init(_ error: JournalError) { self = .couldNotRun(error.description) }
}
