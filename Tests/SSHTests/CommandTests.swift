import Foundation
import SSH
import Testing

@Suite(.enabled(if: hasOpenSSH, "OpenSSH is not installed"), .timeLimit(.minutes(2)))
struct CommandTests {
  private let client = SSHClient()

  @Test func aCommandGivesItsStatusAndBothStreams() async throws {
    let server = try await SSHServer(host: "127.1.0.1")

    let result = try await client.withConnection(to: server.target()) { connection throws(SSHError) in
      try await connection.run("cat; echo err >&2; exit 7", stdin: Array("hello".utf8))
    }

    #expect(result == CommandResult(status: 7, stdout: Array("hello".utf8), stderr: Array("err\n".utf8)))
  }
}
