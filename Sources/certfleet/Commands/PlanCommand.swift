import ArgumentParser
import Controller
import Fleet
import Foundation

/// `certfleet plan`.
struct PlanCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "plan", abstract: "What would be done, why, and when it will be finished; changes nothing.")

  @Option(help: "Save the plan; `certfleet run FILE` does exactly that.", completion: .file())
  var out: String?

  @Option(help: "Only this customer.")
  var customer: String?

  @Option(help: "Only this pair.")
  var pair: String?

  @Flag(help: "First look at every name that is to be issued or renewed: DNS, CAA, port 80, the challenge path.")
  var preflight = false

  @Option(help: "Only changes of this kind: issue, renew, redeploy or blocked; may come several times.")
  var only: [Kind] = []

  @OptionGroup(title: "Global options") var options: GlobalOptions

  /// A kind of change as people type it.
  enum Kind: String, ExpressibleByArgument, CaseIterable {
    case issue, renew, redeploy, blocked

    var action: Action {
      switch self {
      case .issue: .issue
      case .renew: .renew
      case .redeploy: .redeploy
      case .blocked: .blocked
      }
    }
  }

  func run() async throws {
    let workplace = try options.workplace(readOnly: !preflight)
    if preflight {
      try await workplace.lookAhead(
        customer: customer, pair: pair, progress: ProgressDisplay.phase("looking at names", options))
    }
    let request = PlanRequest(
      customer: customer, pair: pair, actions: only.map(\.action), isKept: out != nil || options.json)
    let forecast = try await workplace.plan(request)
    if let out { try forecast.plan.save(to: out) }
    if options.json {
      try Terminal.show(json: forecast)
    } else {
      Terminal.show(forecast.text(isVerbose: options.verbose > 0))
    }
  }
}
