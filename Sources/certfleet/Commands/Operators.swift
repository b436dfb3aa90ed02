import ArgumentParser
import Controller

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
    try Operators.show(try await options.workplace().retry(names, all: all), "tried again", options)
  }
}

/// `certfleet pause [PAIR…]`.
struct Pause: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    abstract:
      "Start nothing new on these pairs (all without a name); what is under way is finished, so each box is whole.")

  @Argument(help: "Ids of pairs.") var pairs: [String] = []
  @OptionGroup(title: "Global options") var options: GlobalOptions

  func run() async throws {
    try Operators.show(try await options.workplace().pause(pairs), "paused", options)
  }
}

/// `certfleet resume [PAIR…]`.
struct Resume: AsyncParsableCommand {
  static let configuration = CommandConfiguration(abstract: "Let paused pairs take part again (all without a name).")

  @Argument(help: "Ids of pairs.") var pairs: [String] = []
  @OptionGroup(title: "Global options") var options: GlobalOptions

  func run() async throws {
    try Operators.show(try await options.workplace().resume(pairs), "resumed", options)
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

  static func show(_ touched: [String], _ what: String, _ options: GlobalOptions) throws {
    if options.json {
      try Terminal.show(json: [what: touched])
    } else if touched.isEmpty {
      Terminal.show("nothing to do")
    } else {
      Terminal.show(touched.map { "\(what): \($0)" }.joined(separator: "\n"))
    }
  }
}
