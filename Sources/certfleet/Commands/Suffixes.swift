import ArgumentParser
import Controller

/// `certfleet suffixes show/update`.
struct Suffixes: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "The public suffix list, by which names are counted under their registered domain.",
    subcommands: [Show.self, Update.self], defaultSubcommand: Show.self)

  struct Show: AsyncParsableCommand {
    static let configuration = CommandConfiguration(abstract: "Which list is used, and how old it is.")
    @OptionGroup(title: "Global options") var options: GlobalOptions

    func run() async throws { try present(try options.workplace(readOnly: true).suffixes(), options) }
  }

  struct Update: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
      abstract: "Fetch the newest list over HTTPS, check it, and keep it in the state directory.")
    @OptionGroup(title: "Global options") var options: GlobalOptions

    func run() async throws { try present(try await options.workplace(readOnly: true).updateSuffixes(), options) }
  }

  private static func present(_ standing: SuffixStanding, _ options: GlobalOptions) throws {
    if options.json { try Terminal.show(json: standing) } else { Terminal.show(standing.text) }
  }
}
