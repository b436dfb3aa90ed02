import ArgumentParser
import Controller
import Fleet

/// `certfleet doctor`.
struct Doctor: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Look at everything that a run needs, and say what stands in the way and what to do about it.",
    discussion: """
      The controller's clock and its way to the CA; SSH, sudo, software, clock and role of each node; and for each name DNS, CAA, port 80, \
      the challenge path through redirects, and the certificate that is served. Costs the CA nothing. Writes the names for which the \
      challenge rule answers onto the nodes, as a run does, and nothing else.
      """)

  @Option(help: "Only this pair.")
  var pair: String?

  @Option(help: "Only certificates with this name, and their pair.")
  var domain: String?

  @OptionGroup(title: "Global options") var options: GlobalOptions

  func run() async throws {
    let report = try await options.workplace().doctor(
      pair: pair, domain: domain, progress: ProgressDisplay.phase("looking at names", options))
    if options.json {
      try Terminal.show(json: report)
    } else {
      Terminal.show(report.text(isVerbose: options.verbose > 0 || domain != nil))
    }
    if report.needsAttention { throw ExitCode(1) }
  }
}
