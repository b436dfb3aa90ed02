import ArgumentParser
import Controller

/// `certfleet init [DIR]`.
struct Init: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Write a commented starter inventory, a CSV of domains and a state directory.")

  @OptionGroup var options: GlobalOptions

  @Argument(help: "The folder to write into.", completion: .directory)
  var directory = "inventory"

  func run() async throws {
    let written = try StarterInventory.write(to: directory)
    if options.json {
      try Terminal.show(json: written)
    } else {
      Terminal.show(written.map { "wrote \($0)" }.joined(separator: "\n"))
      Terminal.show("Next: edit \(directory)/fleet.yaml, then certfleet check --inventory \(directory)/fleet.yaml")
    }
  }
}
