import ArgumentParser
import Controller
import Glibc

/// The program: one subcommand a file.
@main
struct Certfleet: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "certfleet",
    abstract: "Keeps the certificates of a fleet of load balancers alive.",
    discussion: """
      Reads an inventory of active/passive pairs and CSV files of domains, gets certificates from an ACME authority at a pace that its \
      limits allow, deploys them to both nodes over SSH without harm to traffic, proves what is served, and mails a report.

      Start with: certfleet init, certfleet check, certfleet enroll, certfleet plan, certfleet run.
      """,
    version: Version.text,
    subcommands: [
      Init.self, Check.self, Import.self, Enroll.self, Doctor.self, PlanCommand.self, Run.self, Renew.self, Status.self,
      Report.self, Limits.self, QuarantineCommand.self, ForecastCommand.self,
      Retry.self, Pause.self, Resume.self, Remove.self, Rollback.self, Account.self, Suffixes.self, Audit.self,
      Backup.self,
      Restore.self, TakeoverCommand.self,
    ])

  /// Parses, runs, and turns every ending into its exit status: 2 for bad usage (not ArgumentParser's 64), 3 for what could not run.
  static func main() async {
    OutputStream.closeGaps()
    ProcessGuard.keepSecretsOutOfDumps()
    // A reader that goes away (`| head`) must not end a rollout half-way: what it does not read is dropped.
    signal(SIGPIPE, SIG_IGN)
    do {
      var command = try parseAsRoot()
      if var asynchronous = command as? any AsyncParsableCommand {
        try await asynchronous.run()
      } else {
        try command.run()
      }
      leave(0)
    } catch let fault as CommandFault {
      if !fault.text.isEmpty { Terminal.say("certfleet: " + fault.text) }
      Glibc.exit(fault.exitStatus)
    } catch let exit as ExitCode {
      leave(exit.rawValue)
    } catch {
      let message = fullMessage(for: error)
      if exitCode(for: error) == .success {
        Terminal.show(message)
        leave(0)
      }
      Terminal.say(message)
      Glibc.exit(2)
    }
  }

  /// Ends with this status; with 1 instead of 0 where results were lost. A reader that has gone wanted no more of them.
  private static func leave(_ status: Int32) -> Never {
    guard let problem = Terminal.lostResults, !problem.isReaderGone else { Glibc.exit(status) }
    Terminal.say("certfleet: the result could not be written to stdout: \(problem.text)")
    Glibc.exit(status == 0 ? 1 : status)
  }
}
