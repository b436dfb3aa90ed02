import ArgumentParser
import Controller

/// `certfleet limits`.
struct Limits: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "What is left of each of the CA's limits, and when there is more; tightest first.",
    discussion: """
      Buckets that are full are left out, but for the account's own. The 20 tightest are shown; -v shows all.
      """)

  @Option(
    help: "First take over what others issued: certificates exported from a CT log, with the columns of crt.sh.",
    completion: .file())
  var seed: String?

  @Option(help: "With --seed: only rows whose issuer's name holds this text (at Let's Encrypt its own name).")
  var issuer: String?

  @OptionGroup(title: "Global options") var options: GlobalOptions

  func run() async throws {
    guard issuer == nil || seed != nil else { throw CommandFault.badInput("--issuer goes with --seed FILE") }
    let workplace = try options.workplace(readOnly: seed == nil)
    if let seed {
      let done = try await workplace.seedLimits(from: seed, issuer: issuer)
      if !options.quiet { Terminal.say(done.text) }
    }
    let view = try workplace.limitsView()
    if options.json {
      try Terminal.show(json: view)
    } else {
      Terminal.show(view.text(isVerbose: options.verbose > 0))
    }
  }
}
