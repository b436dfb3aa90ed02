import ArgumentParser
import Controller

/// `certfleet takeover PAIR… / --all`.
struct TakeoverCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "takeover",
    abstract: "Say that this controller is the one that works on these pairs from now on.",
    discussion: """
      Each node keeps a mark of who worked on it last. Where another controller did, or this one with a journal that was lost since, nothing is \
      written before takeover accepts what is there. The other controller is held back from then on by the marks that this one leaves. A \
      state directory that was copied, restored or moved to another machine gets a new controller id.
      """)

  @Argument(help: "Ids of pairs.") var pairs: [String] = []
  @Flag(help: "Every pair of the inventory.") var all = false
  @OptionGroup(title: "Global options") var options: GlobalOptions

  func run() async throws {
    guard all != !pairs.isEmpty else { throw CommandFault.badInput("takeover takes ids of pairs, or --all") }
    let takeover = try await options.workplace().takeOver(pairs, all: all)
    if options.json { try Terminal.show(json: takeover) } else { Terminal.show(takeover.text) }
  }
}

/// `certfleet restore FILE`.
struct Restore: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Put a backup of the journal into a state directory that has none, under a new controller id.")
  @Argument(help: "The file that `backup` wrote.", completion: .file()) var file: String
  @OptionGroup(title: "Global options") var options: GlobalOptions

  func run() async throws {
    let text = try await Workplace.restore(from: file, inventory: options.inventoryPath, state: options.statePath)
    if options.json { try Terminal.show(json: ["restored": file]) } else { Terminal.show(text) }
  }
}
