import ArgumentParser
import Controller
import Fleet
import Foundation

/// `certfleet status`.
struct Status: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Where things stand; answers at once, also while a run is going on. Only --pair asks the nodes.")

  @Option(help: "Only this customer.") var customer: String?
  @Option(help: "Only this pair, with what each node holds right now: on disk, in memory, on the wire.") var pair:
    String?
  @Option(help: "Only certificates with this name.") var domain: String?
  @Flag(help: "Again every two seconds.") var watch = false
  @OptionGroup(title: "Global options") var options: GlobalOptions

  func run() async throws {
    while true {
      let workplace = try options.workplace(readOnly: true)
      var status = try workplace.status(customer: customer, pair: pair, domain: domain)
      if let pair { status.fingerprints = try await workplace.fingerprints(of: pair) }
      if options.json {
        try Terminal.show(json: status, pretty: !watch)
      } else {
        if watch { Terminal.draw("\u{1b}[H\u{1b}[2J") }
        Terminal.show(status.text(isVerbose: options.verbose > 0 || pair != nil || domain != nil))
      }
      guard watch, Terminal.lostResults == nil else { return }
      try await Task.sleep(for: .seconds(2))
    }
  }
}
