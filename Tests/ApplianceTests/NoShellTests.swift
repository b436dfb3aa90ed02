import Appliance
import Fleet
import Foundation
import SSH
import Testing

/// G10: a login that does not run a shell was “interrupted, nothing to do”, or an internal error to be reported.
@Suite struct NoShellTests {
  private let node = Node(
    id: "n1", address: "192.0.2.1", ssh: SSHSettings(user: "root"), active: .always, challenge: .usualThumbprint,
    terminations: [])

  private func survey(_ status: Int32?, _ stdout: String, _ stderr: String = "") -> Failure? {
    let script = Survey.script(for: node, nonce: Nonce("s"))
    let result = CommandResult(status: status, stdout: Array(stdout.utf8), stderr: Array(stderr.utf8))
    let now = Date(timeIntervalSince1970: 1_800_000_000)
    do throws(Failure) {
      _ = try Survey.read(result, of: script, for: node, sentAt: now, receivedAt: now)
      return nil
    } catch {
      return error
    }
  }

  @Test(arguments: [
    (Int32(1), "This account is currently not available.\n", "This account is currently not available."),
    (1, "This service allows sftp connections only.\n", "This service allows sftp connections only."),
    (0, "Welcome!\n", "Welcome!"), (0, "", "start-up file"), (255, "", "exit status 255"),
  ])
  func aLoginWithoutAShellIsNamedWithItsWords(_ status: Int32, _ said: String, _ word: String) {
    let failure = survey(status, said)

    #expect(failure?.kind == .loginRefused)
    #expect(failure?.detail.hasPrefix("the login does not run a shell") == true)
    #expect(failure?.detail.contains(word) == true, "\(String(describing: failure))")
  }

  // G10, H2: its words never end.
  @Test func aLoginThatWritesWithoutEndIsNoFaultOfOurs() {
    let error = SSHError(.outputLimit, phase: .command, host: "192.0.2.1", port: 22, detail: "more than 33562624 bytes")

    let failure = Failure(error, node: node.id)

    #expect(failure.kind == .nodeUnreachable)
    #expect(failure.detail.contains("writes without end"))
  }

  @Test func aLoginThatDiedIsInterrupted() { #expect(survey(nil, "")?.kind == .interrupted) }

  /// In the middle of a rollout an empty answer is a connection that was cut: libssh2 tells status 0 then.
  @Test func anEmptyAnswerToALaterStepIsInterrupted() {
    let work = RolloutWork(
      node: node, facts: NodeFacts(surveyedAt: Date(timeIntervalSince1970: 0)), rollout: "r1", files: [])
    do throws(Failure) {
      _ = try work.read(CommandResult(status: 0, stdout: []), of: work.stage(nonce: Nonce("a")))
      Issue.record("it was taken")
    } catch {
      #expect(error.kind == .interrupted)
    }
  }
}
