import ArgumentParser
import Controller
import Fleet

/// `certfleet check`.
struct Check: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Read the inventory and its CSV files, and print every fault with its place and remedy.")

  @OptionGroup(title: "Global options") var options: GlobalOptions

  func run() async throws {
    let result = try Checkup.run(inventory: options.inventoryPath)
    if options.json {
      try Terminal.show(json: result)
    } else {
      let text = DiagnosticPrinter(usesColor: Terminal.allowsColour(options)).text(result.diagnostics)
      if !text.isEmpty { Terminal.say(text) }
      if !options.quiet, !result.hasErrors { Terminal.show(result.summary) }
    }
    if result.hasErrors { throw ExitCode(2) }
  }
}
