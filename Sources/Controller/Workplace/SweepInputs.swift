import Fleet
import Foundation
import Journal

/// What a sweep goes by where the files that say what is wanted have faults: everything else stops at the first fault, a sweep does what is
/// wanted already.
extension Workplace {
  /// Reads the inventory for `run` and `renew` and opens the journal. With a fault in the inventory it is the one that was last read without.
  ///
  /// - Throws: `CommandFault.badInput` where there is no such earlier one, `.couldNotRun` where the journal cannot be opened.
  public static func openForSweep(
    inventory path: String, state: String? = nil, clock: any TimeSource = SystemClock()
  ) throws(CommandFault) -> Workplace {
    let reading = SweepReading(path: path, state: state)
    let printer = DiagnosticPrinter()
    guard var inventory = reading.loaded?.inventory ?? reading.loaded?.withoutLists else {
      return try earlier(reading, clock)
    }
    if let state { inventory.state = absolute(state) }
    // What is wrong with the lists is said again when they are read.
    var warnings = reading.diagnostics.filter { $0.severity == .warning }.map { printer.text($0) }
    let limits = try LimitTables.tables(of: inventory)
    let journal = try journaled(try openJournal(in: inventory.state))
    do throws(PrivateFile.Fault) {
      try reading.keep(inventory, at: clock.now)
    } catch {
      warnings.append(
        "\(error.path) cannot be written: \(error.reason); without it a later fault in the inventory stops the renewals"
      )
    }
    return Workplace(inventory: inventory, warnings: warnings, journal: journal, limits: limits, clock: clock)
  }

  private static func earlier(_ reading: SweepReading, _ clock: any TimeSource) throws(CommandFault) -> Workplace {
    guard let kept = reading.kept, var inventory = kept.inventory else { throw .badInput(reading.fault) }
    inventory.state = reading.state
    let limits = try LimitTables.tables(of: inventory, kept: kept.limits)
    let journal = try journaled(try openJournal(in: inventory.state))
    let inputs = InputReview(reading.diagnostics, inventoryFrom: kept.readAt)
    return Workplace(
      inventory: inventory, warnings: [], inputs: inputs, journal: journal, limits: limits, clock: clock)
  }

  /// Mails that a renewal could not be run at all, by the mail settings that can still be read.
  ///
  /// - Returns: what became of the mail; nil where nobody knows where mail goes.
  public static func tell(
    of fault: CommandFault, inventory path: String, state: String? = nil, clock: any TimeSource = SystemClock()
  ) async -> String? {
    let reading = SweepReading(path: path, state: state)
    guard let settings = reading.mail else { return nil }
    return await MailDesk.tell(of: fault, settings: settings, at: clock.now)
  }

  /// Takes the inventory's own lists over as far as they are beyond doubt; says what is wrong with them and with the inventory.
  func synchroniseForSweep() async throws(CommandFault) -> (ImportResult, InputReview?) {
    guard inputs == nil else { return (ImportResult(), inputs) }
    var state = try fleetState()
    let renamed = try renames(in: &state)
    if let busy = try busy(renaming: !renamed.events.isEmpty) { return (ImportResult(renamed: [busy]), nil) }
    var result = ImportResult(renamed: renamed.lines + renamed.doubts)
    guard !inventory.domainFiles.isEmpty else {
      try await record(renamed.events)
      try await rememberPlaces()
      return (result, nil)
    }
    let (list, diagnostics) = DomainLoader.load(inventory: inventory, now: clock.now)
    let sharing = Set(inventory.customers.filter(\.sharesNames).map(\.id))
    let specs = state.certificates.values.map(\.spec)
    let live = Set(state.certificates.values.filter { $0.issued != nil }.map(\.spec.id))
    var difference = ImportDifference(importing: list, into: specs, sharing: sharing, live: live)
    let printer = DiagnosticPrinter()
    result.warnings = diagnostics.filter { $0.severity == .warning }.map { printer.text($0) }
    // `check` reads lists alone and does not show these.
    let kept = difference.faults.count { $0.severity == .warning }
    if kept > 0 { result.renamed.append(Self.keptFiles(kept)) }
    var review: InputReview?
    let errors = (diagnostics + difference.faults).filter { $0.severity == .error }
    if !errors.isEmpty {
      let careful = CarefulImport(importing: list, into: specs, sharing: sharing, live: live)
      difference = careful.difference
      review = InputReview(errors, waiting: careful.waitingCount)
    }
    if let busy = try busy(renaming: difference.moved.contains(where: \.isRename)) {
      return (ImportResult(renamed: [busy]), review)
    }
    result.returns = try returns(difference.added, in: list)
    result.proposedRemovals = difference.proposedRemovals.map(\.id)
    try await record(renamed.events + Self.events(difference))
    try await rememberPlaces()
    return (result, review)
  }
}

/// One look at the files of an inventory, with all that may still be of use where they have faults.
private struct SweepReading {
  let loaded: InventoryLoader.Loaded?
  let diagnostics: [Diagnostic]
  /// The state directory, as far as it can be known.
  let state: String
  /// What was read without faults last.
  let kept: KeptInventory?
  private let essentials: (state: String?, mail: MailSettings?)
  private let home = FileManager.default.homeDirectoryForCurrentUser.path

  init(path: String, state override: String?) {
    let root = TextFile.absolute(path)
    var document: ConfigurationDocument?
    do throws(InventoryLoader.Unreadable) {
      let loaded = try InventoryLoader.load(path: path, home: home)
      self.loaded = loaded
      diagnostics = loaded.diagnostics
      document = loaded.documents.first
    } catch {
      loaded = nil
      diagnostics = [
        Diagnostic(
          .error, at: SourceLocation(file: path, line: 1, column: 1), "the inventory cannot be read: \(error.reason)",
          remedy: "check the path, or name another with --inventory")
      ]
    }
    if let document {
      essentials = InventoryReader.essentials(of: document, home: home)
    } else {
      essentials = (nil, nil)
    }
    let usual = URL(fileURLWithPath: root).deletingLastPathComponent().path + "/state"
    let known = override.map { Workplace.absolute($0) } ?? loaded?.inventory?.state ?? essentials.state
    state = known ?? Self.written(in: root) ?? usual
    kept = KeptInventory.load(from: state, root: root)
  }

  /// `state:` of a root file that is no YAML any more; a guess, which counts only if an inventory of this very file is kept there.
  private static func written(in root: String) -> String? {
    let bytes: [UInt8]
    do throws(TextFile.Fault) { bytes = try TextFile.read(root, limit: 1 << 20) } catch { return nil }
    for line in String(decoding: bytes, as: UTF8.self).split(whereSeparator: \.isNewline) where line.hasPrefix("state:")
    {
      let value = line.dropFirst(6).trimmingPrefix { $0 == " " }.prefix { !" #\t".contains($0) }
        .filter { $0 != "\"" && $0 != "'" }
      guard !value.isEmpty else { continue }
      if value.hasPrefix("/") { return value }
      return TextFile.absolute(URL(fileURLWithPath: root).deletingLastPathComponent().path + "/" + value)
    }
    return nil
  }

  /// Where mail goes: by the inventory, else by the one that was kept, else by the root file's `mail:` if that part has no fault.
  var mail: MailSettings? {
    loaded?.inventory?.mail ?? loaded?.withoutLists?.mail ?? kept?.inventory?.mail ?? essentials.mail
  }

  /// The faults as a command prints them.
  var fault: String {
    loaded == nil
      ? diagnostics.map { "\($0.location.file): \($0.message); \($0.remedy ?? "")" }.joined()
      : DiagnosticPrinter().text(diagnostics)
  }

  func keep(_ inventory: Inventory, at now: Date) throws(PrivateFile.Fault) {
    guard let loaded else { return }
    try KeptInventory(loaded.documents, of: inventory, home: home, at: now).save(in: inventory.state)
  }
}
