import ArgumentParser
import Controller
import Fleet

/// `certfleet quarantine list/release/drop`.
struct QuarantineCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "quarantine",
    abstract: "Names that moved away, tried once a week, and what the CA paused.",
    subcommands: [List.self, Release.self, Drop.self])

  /// `certfleet quarantine list`.
  struct List: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
      abstract: "What is in quarantine and why: what DNS said when, the last certificate seen served, days failing.")

    @OptionGroup(title: "Global options") var options: GlobalOptions

    func run() async throws {
      let lines = try options.workplace(readOnly: true).quarantine()
      if options.json {
        try Terminal.show(json: lines)
      } else if lines.isEmpty {
        Terminal.show("nothing is in quarantine")
      } else {
        Terminal.show(lines.map { $0.text(isVerbose: options.verbose > 0) }.joined(separator: "\n"))
      }
    }
  }

  /// `certfleet quarantine release NAME…`.
  struct Release: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
      abstract: "Try these at once again, and then as often as any other.")

    @Argument(help: "Names, or ids of certificates.") var names: [String]
    @OptionGroup(title: "Global options") var options: GlobalOptions

    func run() async throws {
      try Operators.show(try await options.workplace().release(names), "released", options)
    }
  }

  /// `certfleet quarantine drop NAME…`.
  struct Drop: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
      abstract: "No longer want these certificates; take them off the lists too, else the next run wants them again.")

    @Argument(help: "Names, or ids of certificates.") var names: [String]
    @OptionGroup(title: "Global options") var options: GlobalOptions

    func run() async throws {
      try Operators.show(try await options.workplace().drop(names), "dropped", options)
    }
  }
}
