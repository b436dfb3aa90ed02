import ArgumentParser
import Controller

/// `certfleet rollback CERT… / --pair P`.
struct Rollback: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Put the previous certificates back on every node of their pair.",
    discussion: """
      Each node keeps what the newest rollout replaced. It goes back node by node, the passive one first, and is proved by what is served. \
      Nothing is touched where no previous certificate is kept, where it has run out, or where somebody replaced the file by hand. What was \
      put back stays until `certfleet retry NAME`, or until it nears its end. Beside a run, pause the pair first.
      """)

  @Argument(help: "Names, or ids of certificates as `status` shows them.")
  var names: [String] = []

  @Option(help: "Every certificate of this pair.")
  var pair: String?

  @OptionGroup(title: "Global options") var options: GlobalOptions

  func run() async throws {
    guard names.isEmpty != (pair == nil) else { throw CommandFault.badInput("rollback takes names, or --pair") }
    let report = try await options.workplace().rollBack(names, pair: pair)
    if options.json {
      try Terminal.show(json: report)
    } else {
      Terminal.show(report.text(isVerbose: options.verbose > 0))
    }
    if !report.isWhole { throw ExitCode(1) }
  }
}
