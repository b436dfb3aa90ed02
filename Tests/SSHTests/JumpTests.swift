import Foundation
import SSH
import Testing

@Suite(.enabled(if: hasOpenSSH, "OpenSSH is not installed"), .timeLimit(.minutes(2)))
struct JumpTests {
  private let client = SSHClient()

  @Test func aNodeBehindAJumpHostIsReachedThroughOneSharedLogin() async throws {
    let jump = try await SSHServer(host: "127.1.0.6", options: ["LogLevel INFO"])
    let node = try await SSHServer(host: "127.1.0.7")
    let target = node.target(jump: jump.target())

    let peers = try await withThrowingTaskGroup(of: String.self) { group in
      for _ in 0..<10 {
        group.addTask {
          try await client.withConnection(to: target) { connection throws(SSHError) in
            try await connection.run("echo $SSH_CONNECTION").text
          }
        }
      }
      return try await group.reduce(into: [String]()) { $0.append($1) }
    }
    let log = try jump.directory.read("log").split(whereSeparator: \.isNewline)  // sshd ends its lines with \r\n
    let logins = log.filter { $0.contains("Accepted publickey") }

    #expect(peers.count == 10)
    #expect(peers.allSatisfy { $0.hasSuffix("127.1.0.7 \(node.port)\n") })
    #expect(logins.count < 10)
    #expect(await eventually { await client.openConnections == 0 })
  }

  @Test func muchDataGoesThroughAJumpHost() async throws {
    let jump = try await SSHServer(host: "127.1.0.6")
    let node = try await SSHServer(host: "127.1.0.7")
    let input = (0..<4 << 20).map { UInt8(truncatingIfNeeded: $0 &* 7 ^ $0 >> 9) }

    let result = try await client.withConnection(to: node.target(jump: jump.target())) { connection throws(SSHError) in
      try await connection.run("cat", stdin: input, outputLimit: 8 << 20)
    }

    #expect(result.stdout == input)
  }

  @Test func twoJumpHostsInARow() async throws {
    let first = try await SSHServer(host: "127.1.0.6")
    let second = try await SSHServer(host: "127.1.0.8")
    let node = try await SSHServer(host: "127.1.0.7")
    let target = node.target(jump: second.target(jump: first.target()))

    let result = try await client.withConnection(to: target) { connection throws(SSHError) in
      try await connection.run("echo through two")
    }

    #expect(result.text == "through two\n")
  }

  @Test func aNodeThatTheJumpHostCannotReachIsSaidSo() async throws {
    let jump = try await SSHServer(host: "127.1.0.6")
    let node = try await SSHServer(host: "127.1.0.7")
    var target = node.target(jump: jump.target())
    target.port = try FreePort.find(on: "127.1.0.7")
    let closed = target

    let error = await failure { () throws(SSHError) in try await client.connect(to: closed) }

    #expect(error?.kind == .channelRefused)
    #expect(error?.phase == .jump)
    #expect(await eventually { await client.openConnections == 0 })
  }

  @Test func theNodesKeyIsCheckedBehindTheJumpHostToo() async throws {
    let jump = try await SSHServer(host: "127.1.0.6")
    let node = try await SSHServer(host: "127.1.0.7")

    let error = await failure { () throws(SSHError) in
      try await client.connect(to: node.target(hostKeys: jump.hostKeys, jump: jump.target()))
    }
    let unpinned = await failure { () throws(SSHError) in
      try await client.connect(to: node.target(jump: jump.target(hostKeys: [])))
    }

    #expect(
      error?.kind == .hostKeyChanged(pinned: jump.hostKeys, offered: node.hostKeys), "\(String(describing: error))")
    #expect(unpinned?.kind == .hostKeyUnknown(offered: jump.hostKeys))
  }

  @Test func aJumpHostThatDiesTakesItsNodesAlongAndTheNextCallGoesThroughAgain() async throws {
    let jump = try await SSHServer(host: "127.1.0.6")
    let node = try await SSHServer(host: "127.1.0.7")
    let target = node.target(jump: jump.target())
    let connection = try await client.connect(to: target)
    let control = try await SSHClient().connect(to: jump.target())

    // All sessions of the jump host but the one that says so.
    async let lost = failure { () throws(SSHError) in try await connection.run("sleep 100") }
    _ = try await control.run("for p in $(ps -o pid= --ppid \(jump.pid)); do [ $p = $PPID ] || kill -9 $p; done")
    let error = await lost
    let again = try await client.withConnection(to: target) { connection throws(SSHError) in
      try await connection.run("echo back")
    }
    await control.close()

    #expect(error?.kind == .connectionLost)
    #expect(again.text == "back\n")
  }

  @Test func hostKeysAreScannedThroughAJumpHost() async throws {
    let jump = try await SSHServer(host: "127.1.0.6")
    let node = try await SSHServer(host: "127.1.0.7")

    let keys = try await client.scanHostKeys(host: node.host, port: node.port, jump: jump.target())

    #expect(keys == node.hostKeys)
  }
}
