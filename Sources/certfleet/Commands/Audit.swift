import ArgumentParser
import Controller

/// `certfleet audit verify`.
struct Audit: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "The journal's chain.", subcommands: [Verify.self], defaultSubcommand: Verify.self)

  struct Verify: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
      abstract: "Check that no row of the journal was changed, and that the tables are what the journal says.")
    @OptionGroup(title: "Global options") var options: GlobalOptions

    func run() async throws {
      let result = try options.workplace(readOnly: true).verifyJournal()
      if options.json { try Terminal.show(json: result) } else { Terminal.show(result.text) }
      if !result.isSound { throw ExitCode(1) }
    }
  }
}

/// `certfleet backup FILE`.
struct Backup: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "A consistent copy of the journal, also while a run is going on. It holds no private keys.")
  @Argument(help: "The file to write; it must not exist.", completion: .file()) var file: String
  @OptionGroup(title: "Global options") var options: GlobalOptions

  func run() async throws {
    try options.workplace(readOnly: true).backup(to: file)
    if !options.quiet { Terminal.say("wrote \(file)") }
  }
}
