import ArgumentParser
import Controller
import Fleet
import Foundation

/// `certfleet run [PLAN]`.
struct Run: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Issue, deploy and prove what the plan says, and the renewals that fall due while it lasts.",
    discussion: """
      Safe to interrupt and to run again: the first Ctrl-C starts nothing new and finishes what is under way, the second cancels. \
      import, pause, resume, retry, status, report and renew work beside a run.
      """)

  @Argument(
    help: "A plan saved by `certfleet plan --out FILE`: only its certificates are touched.", completion: .file())
  var plan: String?

  @Option(help: "Stop starting new work after this long: 90s, 30m, 8h, 2d.")
  var until: Span?

  @Option(help: "Start at most this many orders.")
  var max: Int?

  @OptionGroup(title: "Global options") var options: GlobalOptions

  func run() async throws {
    if let max, max < 1 { throw CommandFault.badInput("--max takes a number from 1 on") }
    let display = ProgressDisplay(options)
    let report = try await options.workplaceForSweep().sweep(
      SweepRequest(purpose: .run, plan: plan, until: until?.seconds, maximum: max), progress: display)
    await display.finish()
    try Results.show(report, options)
  }
}

/// `certfleet renew`.
struct Renew: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "The nightly sweep: due renewals, retries that are due, and a summary mail.",
    discussion: """
      Meant for a timer. Beside a run that is going on it hands the due renewals to that run, waits until they are done, mails the \
      summary and exits by the result.

      Whatever is wrong with a list, the inventory or the mail server, what is wanted already is renewed, and somebody is told: by the \
      mail, by stderr, and by the exit status.
      """)

  @OptionGroup(title: "Global options") var options: GlobalOptions

  func run() async throws {
    let display = ProgressDisplay(options)
    let report: SweepReport
    do {
      report = try await options.workplaceForSweep().sweep(SweepRequest(purpose: .renew), progress: display)
    } catch let fault as CommandFault {
      await display.finish()
      // Nobody sits before a timer's screen.
      let told = await Workplace.tell(of: fault, inventory: options.inventoryPath, state: options.statePath)
      if let told { Terminal.say("certfleet: " + told) }
      throw fault
    }
    await display.finish()
    try Results.show(report, options)
  }
}

/// A span of time as people type it.
struct Span: ExpressibleByArgument {
  let seconds: Double

  init?(argument: String) {
    let units: [Character: Double] = ["s": 1, "m": 60, "h": 3_600, "d": 86_400]
    guard let last = argument.last else { return nil }
    guard let unit = units[last] ?? (last.isNumber ? 1 : nil) else { return nil }
    let digits = last.isNumber ? argument[...] : argument.dropLast()
    guard let number = Double(digits), number > 0, number.isFinite else { return nil }
    seconds = number * unit
  }
}

/// A moment as people type it: a span from now, a day, or a day and a time, in UTC as reports have it.
struct Moment: ExpressibleByArgument {
  private enum Kind { case span(Double), date(Date) }
  private let kind: Kind

  init?(argument: String) {
    if let span = Span(argument: argument) {
      kind = .span(span.seconds)
      return
    }
    let text = argument.replacing("T", with: " ").replacing("Z", with: "")
    let formatter = DateFormatter()
    formatter.locale = Locale(identifier: "en_US_POSIX")
    formatter.timeZone = TimeZone(identifier: "UTC")
    formatter.isLenient = false
    for format in ["yyyy-MM-dd", "yyyy-MM-dd HH:mm", "yyyy-MM-dd HH:mm:ss"] {
      formatter.dateFormat = format
      if let date = formatter.date(from: text) {
        kind = .date(date)
        return
      }
    }
    return nil
  }

  func date(from now: Date) -> Date {
    switch kind {
    case .span(let seconds): now.addingTimeInterval(seconds)
    case .date(let date): date
    }
  }
}

/// How a sweep's result is shown, and its exit status.
enum Results {
  static func show(_ report: SweepReport, _ options: GlobalOptions) throws {
    if options.json {
      // The last line of a stream: one object a line, like the records before it.
      try Terminal.show(json: report, pretty: false)
    } else {
      Terminal.show(SweepReportText.render(report))
    }
    if let text = report.mail?.text { Terminal.say("certfleet: " + text) }
    if report.end == .interrupted { throw ExitCode(130) }
    if report.needsAttention { throw ExitCode(1) }
  }
}
