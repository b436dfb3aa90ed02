import ArgumentParser
import Controller

/// The options of every command.
struct GlobalOptions: ParsableArguments {
  @Option(help: "The inventory (default inventory/fleet.yaml, or CERTFLEET_INVENTORY).")
  var inventory: String?

  @Option(help: "The state directory (default from the inventory, or CERTFLEET_STATE).")
  var state: String?

  @Flag(help: "Machine-readable result on stdout: one document, or one object a line for streams.")
  var json = false

  @Flag(name: .shortAndLong, help: "Each event of a run on stderr; every certificate in plan and status.")
  var verbose: Int

  @Flag(name: .shortAndLong, help: "Only results and faults.")
  var quiet = false

  @Flag(name: .customLong("no-color"), help: "No colour, as NO_COLOR asks for.")
  var noColor = false

  /// Where the inventory is looked for.
  var inventoryPath: String { inventory ?? Terminal.environment("CERTFLEET_INVENTORY") ?? "inventory/fleet.yaml" }

  /// Another state directory than the inventory's, if one was named.
  var statePath: String? { state ?? Terminal.environment("CERTFLEET_STATE") }

  /// The same for `run` and `renew`, which go on by an earlier inventory where this one has a fault.
  func workplaceForSweep() throws -> Workplace {
    let workplace = try Workplace.openForSweep(inventory: inventoryPath, state: statePath)
    if !quiet { for warning in workplace.warnings { Terminal.say(warning) } }
    return workplace
  }

  /// Opens inventory and journal; warnings go to stderr.
  func workplace(readOnly: Bool = false) throws -> Workplace {
    let workplace = try Workplace.open(
      inventory: inventoryPath, state: statePath, readOnly: readOnly)
    if !quiet { for warning in workplace.warnings { Terminal.say(warning) } }
    return workplace
  }
}
