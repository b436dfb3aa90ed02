import ArgumentParser
import Controller
import Fleet

/// `certfleet account show/register`.
struct Account: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Our accounts at the certificate authorities.", subcommands: [Show.self, Register.self],
    defaultSubcommand: Show.self)

  struct Show: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
      abstract: "Account URLs and key thumbprints; makes the key if there is none yet.")
    @OptionGroup(title: "Global options") var options: GlobalOptions

    func run() async throws { try present(try options.workplace().accounts(), options) }
  }

  struct Register: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
      abstract: "Register at every authority where there is no account yet (agrees to the CA's terms of service).")
    @OptionGroup(title: "Global options") var options: GlobalOptions

    func run() async throws { try present(try await options.workplace().registerAccounts(), options) }
  }

  private static func present(_ accounts: [AccountLine], _ options: GlobalOptions) throws {
    if options.json { return try Terminal.show(json: accounts) }
    var table = TextTable("authority", "thumbprint", "account")
    for account in accounts {
      table.add(account.authority.rawValue, account.thumbprint, account.url ?? "not registered")
    }
    Terminal.show(table.lines.joined(separator: "\n"))
  }
}
