import ArgumentParser
import Controller
import Fleet

/// `certfleet enroll [PAIR…]`.
struct Enroll: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Show and pin SSH host keys, find out what each node can do, and print the exact lines that are missing.",
    discussion: """
      Without --accept nothing is pinned: compare the fingerprints with the nodes' consoles first. A changed key is never replaced \
      without --accept.
      """)

  @Argument(help: "Ids of pairs; all without one.") var pairs: [String] = []
  @Flag(help: "Pin the keys that are shown.") var accept = false
  @Option(help: "Pin the keys that an OpenSSH known_hosts file holds for the nodes' addresses.", completion: .file())
  var knownHosts: String?
  @OptionGroup(title: "Global options") var options: GlobalOptions

  func run() async throws {
    let result = try await options.workplace().enroll(
      pairs, accepts: accept, knownHosts: knownHosts, progress: ProgressDisplay.phase("asking pairs", options))
    if options.json {
      try Terminal.show(json: result)
    } else {
      Terminal.show(result.text)
    }
    if result.needsAttention { throw ExitCode(1) }
  }
}
