import ArgumentParser
import Controller
import Fleet

/// `certfleet import FILE…`.
struct Import: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Compare CSV files with what is wanted, and take over what was added or changed.",
    discussion: "The same file twice is a no-op. Removals are proposed; they are done only with --remove.")

  @Argument(help: "CSV files of domains.", completion: .file(extensions: ["csv"]))
  var files: [String]

  @Option(help: "The pair of rows that name none.")
  var pair: String?

  @Option(help: "The customer of rows that name none.")
  var customer: String?

  @Flag(help: "Also do the proposed removals.")
  var remove = false

  @Flag(help: "Only show the difference.")
  var dryRun = false

  @OptionGroup(title: "Global options") var options: GlobalOptions

  func run() async throws {
    let workplace = try options.workplace(readOnly: dryRun)
    let result = try await workplace.importDomains(
      files, pair: pair, customer: customer, removes: remove, isDryRun: dryRun)
    for warning in result.warnings + result.returns where !options.quiet { Terminal.say(warning) }
    if options.json {
      try Terminal.show(json: result)
    } else {
      Terminal.show(result.text)
    }
  }
}
