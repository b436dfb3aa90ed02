import ArgumentParser
import Controller
import Fleet
import Foundation

/// `certfleet retry NAME… / --all`.
struct Retry: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Forget the back-off of failed certificates: they are tried at once, also by a run that is going on.")

  @Argument(help: "Names, or ids of certificates as `status` shows them.")
  var names: [String] = []

  @Flag(help: "Every certificate that is failing.")
  var all = false

  @OptionGroup(title: "Global options") var options: GlobalOptions

  func run() async throws {
    guard all != !names.isEmpty else { throw CommandFault.badInput("retry takes names, or --all") }
    let result = try await options.workplace().retry(names, all: all)
    if options.json {
      return try Terminal.show(
        json: Words(
          tried: result.tried, idle: Dictionary(uniqueKeysWithValues: result.idle.map { ($0.key.rawValue, $0.value) }),
          later: Dictionary(uniqueKeysWithValues: result.later.map { ($0.key.rawValue, $0.value) })))
    }
    var lines = result.tried.map { "tried again: \($0)" }
    lines += result.later.sorted { $0.key < $1.key }.map { "tried again later: \($0.key): \($0.value)" }
    lines += result.idle.sorted { $0.key < $1.key }.map { "nothing to try: \($0.key) is \($0.value)" }
    Terminal.show(
      lines.isEmpty ? "no certificate is failing: there is nothing to try again" : lines.joined(separator: "\n"))
  }

  private struct Words: Encodable {
    let tried: [SpecID]
    let idle: [String: String]
    let later: [String: String]

    enum CodingKeys: String, CodingKey {
      case tried = "tried again"
      case idle = "nothing to try"
      case later = "tried again later"
    }
  }
}

/// `certfleet pause [PAIR…]`.
struct Pause: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    abstract:
      "Start nothing new on these pairs (all without a name); what is under way is finished, so each box is whole.",
    discussion: """
      Every report says what is paused, since when, until when and why. With --until the pairs take part again by themselves. Said again of \
      a paused pair, it changes the end and the reason.
      """)

  @Argument(help: "Ids of pairs.") var pairs: [String] = []
  @Option(help: "When the pause ends by itself: 90m, 8h, 2d, 2026-12-24, or \"2026-12-24 06:00\" (UTC).")
  var until: Moment?
  @Option(help: "Why, for the reports.") var reason: String?
  @OptionGroup(title: "Global options") var options: GlobalOptions

  func run() async throws {
    let result = try await options.workplace().pause(pairs, until: until?.date(from: Date()), reason: reason)
    try Operators.show(result.pairs.map(\.rawValue), "paused", options, otherwise: nil)
    guard !options.json else { return }
    for (pair, hold) in result.others {
      Terminal.show("\(pair) is paused already" + (hold.map { ", \($0.text)" } ?? ""))
    }
  }
}

/// `certfleet resume [PAIR…]`.
struct Resume: AsyncParsableCommand {
  static let configuration = CommandConfiguration(abstract: "Let paused pairs take part again (all without a name).")

  @Argument(help: "Ids of pairs.") var pairs: [String] = []
  @OptionGroup(title: "Global options") var options: GlobalOptions

  func run() async throws {
    let result = try await options.workplace().resume(pairs)
    try Operators.show(
      result.pairs.map(\.rawValue), "resumed", options, otherwise: pairs.isEmpty ? "no pair is paused" : nil)
    guard !options.json, !pairs.isEmpty else { return }
    for (pair, _) in result.others { Terminal.show("\(pair) is not paused") }
  }
}

/// `certfleet remove NAME…`.
struct Remove: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "No longer want these certificates. What is served stays served until it expires.")

  @Argument(help: "Names, or ids of certificates.") var names: [String]
  @OptionGroup(title: "Global options") var options: GlobalOptions

  func run() async throws {
    try Operators.show(try await options.workplace().remove(names), "removed", options)
  }
}

/// What the operator's hand did.
enum Operators {
  static func show(_ removal: Removal, _ what: String, _ options: GlobalOptions) throws {
    try show(removal.specs, what, options)
    for line in removal.advice where !options.quiet { Terminal.say(line) }
  }

  /// - Parameter otherwise: what to say where nothing was touched; nil where that is said elsewhere.
  static func show(
    _ touched: [String], _ what: String, _ options: GlobalOptions, otherwise: String? = "nothing to do"
  ) throws {
    if options.json {
      try Terminal.show(json: [what: touched])
    } else if touched.isEmpty {
      if let otherwise { Terminal.show(otherwise) }
    } else {
      Terminal.show(touched.map { "\(what): \($0)" }.joined(separator: "\n"))
    }
  }
}
