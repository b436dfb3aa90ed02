import ArgumentParser
import Controller
import Fleet
import Foundation

/// `certfleet forecast`.
struct ForecastCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "forecast",
    abstract: "The coming days on a virtual clock: orders a day, the limits that bind, dates.",
    discussion: """
      Plays the scheduler and the ledger of a real run through the days to come, from where things stand now, with the renewals that \
      fall due on the way, as if a run went on all the time and every attempt succeeded. Changes nothing.
      """)

  @Option(help: "How many days to look ahead (30).")
  var days = 30

  @Option(help: "Suppose so many new names besides, each under a registered domain of its own.")
  var domains = 0

  @OptionGroup(title: "Global options") var options: GlobalOptions

  func run() async throws {
    let workplace = try options.workplace(readOnly: true)
    let started = Date()
    let draws = Terminal.isInteractive && !options.quiet && !options.json
    var isDrawn = false
    let forecast = try await workplace.forecast(days: days, supposing: domains) { done in
      // A quick answer needs no bar.
      guard draws, Date().timeIntervalSince(started) > 0.5 else { return }
      isDrawn = true
      Terminal.draw("\r\u{1b}[2K" + ProgressDisplay.bar("days", done, of: days))
    }
    if isDrawn { Terminal.draw("\r\u{1b}[2K") }
    if options.json {
      try Terminal.show(json: forecast)
    } else {
      Terminal.show(forecast.text)
    }
  }
}
