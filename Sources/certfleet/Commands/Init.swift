import ArgumentParser
import Controller

/// `certfleet init [DIR]`.
struct Init: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Write a commented starter inventory, a CSV of domains and a state directory.")

  @Argument(help: "The folder to write into.", completion: .directory)
  var directory = "inventory"

  @OptionGroup(title: "Global options") var options: GlobalOptions

  func run() async throws {
    let written: [String]
    do throws(StarterInventory.Refusal) {
      written = try StarterInventory.write(to: directory)
    } catch {
      throw CommandFault.badInput(error.description)
    }
    if options.json {
      try Terminal.show(json: written)
    } else {
      Terminal.show(written.map { "wrote \($0)" }.joined(separator: "\n"))
      let option = directory == "inventory" ? "" : " --inventory \(directory)/fleet.yaml"
      Terminal.show("Next: edit \(directory)/fleet.yaml, then: certfleet check\(option)")
    }
  }
}
