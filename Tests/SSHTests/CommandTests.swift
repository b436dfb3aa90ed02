import Foundation
import SSH
import Testing

@Suite(.enabled(if: hasOpenSSH, "OpenSSH is not installed"), .timeLimit(.minutes(2)))
struct CommandTests {
  private let client = SSHClient()
  private let server: SSHServer

  init() async throws { server = try await SSHServer(host: "127.1.0.1") }

  @Test func aCommandGivesItsStatusAndBothStreams() async throws {
    let connection = try await client.connect(to: server.target())

    let result = try await connection.run("cat; echo err >&2; exit 7", stdin: Array("hello".utf8))
    await connection.close()

    #expect(result == CommandResult(status: 7, stdout: Array("hello".utf8), stderr: Array("err\n".utf8)))
  }

  @Test func deathBySignalIsAResultWithoutStatus() async throws {
    let connection = try await client.connect(to: server.target())

    let result = try await connection.run("kill -TERM $$")
    await connection.close()

    #expect(result.status == nil)
    #expect(result.signal == "TERM")
  }

  @Test func tenMebibytesOfInputArriveWhole() async throws {
    let input = (0..<10 << 20).map { UInt8(truncatingIfNeeded: $0 &* 31 ^ $0 >> 8) }
    let connection = try await client.connect(to: server.target())

    let result = try await connection.run("cat | tee /dev/stderr", stdin: input, outputLimit: 16 << 20)
    await connection.close()

    #expect(result.stdout == input)
    #expect(result.stderr == input)
    #expect(!result.outputTruncated)
  }

  @Test func outputBeyondTheLimitIsDroppedAndSaidSo() async throws {
    let connection = try await client.connect(to: server.target())

    let result = try await connection.run("head -c 3000000 /dev/zero; exit 3", outputLimit: 1_000)
    await connection.close()

    #expect(result.stdout.count == 1_000)
    #expect(result.outputTruncated)
    #expect(result.status == 3)
  }

  @Test func aCommandThatWritesWithoutEndIsGivenUpAndTheSessionGoesOn() async throws {
    let connection = try await client.connect(to: server.target())

    let error = await failure { () throws(SSHError) in try await connection.run("cat /dev/zero", outputLimit: 1_000) }
    let after = try await connection.run("echo still here")
    await connection.close()

    #expect(error?.kind == .outputLimit)
    #expect(after.text == "still here\n")
  }

  /// libssh2 shows no end of file while standard error waits unread.
  @Test func aFloodOfStandardErrorWithoutOutputDoesNotHang() async throws {
    let connection = try await client.connect(to: server.target())

    let result = try await connection.run("head -c 5000000 /dev/zero >&2", bounds: CommandBounds(idle: .seconds(20)))
    await connection.close()

    #expect(result.status == 0)
    #expect(result.stderr.count == 1 << 20)
    #expect(result.stdout.isEmpty)
  }

  @Test func aCommandThatDoesNotReadItsInputStillEnds() async throws {
    let connection = try await client.connect(to: server.target())

    let result = try await connection.run(
      "exit 4", stdin: [UInt8](repeating: 65, count: 8 << 20), bounds: CommandBounds(idle: .seconds(20)))
    await connection.close()

    #expect(result.status == 4)
  }

  @Test func aCommandThatNeverEndsTimesOutAndTheSessionGoesOn() async throws {
    let connection = try await client.connect(to: server.target())
    let start = ContinuousClock.now

    let error = await failure { () throws(SSHError) in
      try await connection.run("sleep 1000", stdin: [1, 2, 3], bounds: CommandBounds(idle: .milliseconds(300)))
    }
    let took = ContinuousClock.now - start
    let after = try await connection.run("echo still here")
    await connection.close()

    #expect(error?.kind == .timedOut)
    #expect(error?.phase == .command)
    #expect(took < .seconds(60))
    #expect(after.text == "still here\n")
  }

  @Test func aCommandThatWritesNowAndThenIsNotIdle() async throws {
    let connection = try await client.connect(to: server.target())

    let result = try await connection.run(
      "for i in 1 2 3 4 5 6; do echo $i; sleep 0.5; done", bounds: CommandBounds(idle: .milliseconds(2_500)))
    await connection.close()

    #expect(result.status == 0)
  }

  // H2: a byte now and then is no progress where lines are marked, and nothing lasts longer than its total.
  @Test func aServerThatDripsIsGivenUpWhereLinesAreMarked() async throws {
    let connection = try await client.connect(to: server.target())
    let mark = Array("@cf secret ".utf8)

    let drip = await failure { () throws(SSHError) in
      try await connection.run(
        "while :; do printf x; sleep 0.1; done", bounds: CommandBounds(idle: .milliseconds(500), mark: mark))
    }
    let endless = await failure { () throws(SSHError) in
      try await connection.run(
        "while :; do echo '@cf secret beat'; sleep 0.1; done",
        bounds: CommandBounds(idle: .milliseconds(500), total: .seconds(1), mark: mark))
    }
    let honest = try await connection.run(
      "for i in 1 2 3; do printf '@cf sec'; sleep 0.3; echo 'ret beat'; done; cat",
      bounds: CommandBounds(idle: .seconds(2), mark: mark))
    await connection.close()

    #expect(drip?.kind == .timedOut)
    #expect(drip?.detail.contains("no progress") == true)
    #expect(endless?.detail.contains("not done after") == true, "\(endless?.detail ?? "")")
    #expect(honest.status == 0)
  }

  @Test func cancellingATaskClosesItsChannelAtOnce() async throws {
    let connection = try await client.connect(to: server.target())
    let start = ContinuousClock.now

    let error = await withTaskGroup(of: SSHError?.self) { group in
      group.addTask { await failure { () throws(SSHError) in try await connection.run("echo on; sleep 1000") } }
      _ = try? await connection.run("sleep 0.2")  // reason for try?: only to let the other command begin
      group.cancelAll()
      return await group.next() ?? nil
    }
    let took = ContinuousClock.now - start
    let after = try await connection.run("echo still here")
    await connection.close()

    #expect(error?.kind == .cancelled)
    #expect(took < .seconds(60))
    #expect(after.text == "still here\n")
  }

  /// libssh2 1.10 answered BAD_USE 119 times in 3 s here, before it had a send queue.
  @Test func eightCommandsWithLargeInputsShareASession() async throws {
    let connection = try await client.connect(to: server.target())
    let input = [UInt8](repeating: 90, count: 2 << 20)

    let counts = try await withThrowingTaskGroup(of: Int.self) { group in
      for _ in 0..<8 {
        group.addTask { try await connection.run("cat", stdin: input, outputLimit: 4 << 20).stdout.count }
      }
      return try await group.reduce(into: []) { $0.append($1) }
    }
    await connection.close()

    #expect(counts == [Int](repeating: 2 << 20, count: 8))
  }

  @Test func oneSessionRunsHundredsOfCommandsAndSurvivesRekeying() async throws {
    let server = try await SSHServer(host: "127.1.0.1", options: ["RekeyLimit 300K"])
    let connection = try await client.connect(to: server.target())
    let input = [UInt8](repeating: 7, count: 50_000)

    for _ in 0..<60 {
      let result = try await connection.run("cat", stdin: input)
      #expect(result.stdout == input)
    }
    await connection.close()
  }

  @Test func moreCommandsThanMaxSessionsAreRefusedByNameNotHung() async throws {
    let server = try await SSHServer(host: "127.1.0.1", options: ["MaxSessions 2"])
    let connection = try await client.connect(to: server.target())

    let kinds = await withTaskGroup(of: SSHError.Kind?.self) { group in
      for _ in 0..<4 {
        group.addTask { await failure { () throws(SSHError) in try await connection.run("sleep 0.5") }?.kind }
      }
      return await group.reduce(into: []) { $0.append($1) }
    }
    let after = try await connection.run("echo still here")
    await connection.close()

    #expect(kinds.filter { $0 == .channelRefused }.count == 2)
    #expect(kinds.filter { $0 == nil }.count == 2)
    #expect(after.status == 0)
  }

  @Test func anSSHDKilledInMidCommandIsAConnectionLost() async throws {
    let connection = try await client.connect(to: server.target())
    // The shell's parent is the sshd of this session.
    let error = await failure { () throws(SSHError) in try await connection.run("kill -9 $PPID; sleep 1000") }
    let isAlive = await connection.isAlive
    let again = await failure { () throws(SSHError) in try await connection.run("true") }

    #expect(error?.kind == .connectionLost)
    #expect(!isAlive)
    #expect(again?.kind == .connectionLost)
  }

  @Test func closingEndsWhatIsUnderWay() async throws {
    let connection = try await client.connect(to: server.target())

    let error = await withTaskGroup(of: SSHError?.self) { group in
      group.addTask { await failure { () throws(SSHError) in try await connection.run("sleep 1000") } }
      await connection.close()
      return await group.next() ?? nil
    }

    #expect(error?.kind == .closed)
  }

  /// A hardened sshd asks idle clients for a sign of life and hangs up after a few seconds without.
  @Test func anIdleConnectionAnswersTheServersProbes() async throws {
    let server = try await SSHServer(host: "127.1.0.1", options: ["ClientAliveInterval 1", "ClientAliveCountMax 1"])
    let connection = try await client.connect(to: server.target())
    _ = try await connection.run("true")

    let start = ContinuousClock.now
    let lived = await !eventually(within: .seconds(5)) { await !connection.isAlive }
    let after = try await connection.run("echo still here")
    await connection.close()

    #expect(lived, "hung up after \(ContinuousClock.now - start)")
    #expect(after.text == "still here\n")
  }
}
