import Foundation
import Synchronization
import Testing

@testable import SSH

@Suite(.enabled(if: hasOpenSSH, "OpenSSH is not installed"), .timeLimit(.minutes(2)))
struct ForwardTests {
  private let client = SSHClient()

  /// Answers one request with a line of its own.
  @Sendable private static func serve(_ channel: SSHForwardedChannel) async {
    do throws(SSHError) {
      var request: [UInt8] = []
      while !request.contains(10) {
        let more = try await channel.read(within: .seconds(20))
        if more.isEmpty { return }
        request += more
      }
      try await channel.write(Array("answer to ".utf8) + request, within: .seconds(20))
    } catch {}  // reason for the empty catch: the asker sees the missing answer
  }

  /// Asks over TCP and reads to the end, on a thread of its own.
  private static func ask(_ port: UInt16, _ words: String, host: String = "127.0.0.1") async -> String? {
    await withCheckedContinuation { continuation in
      Thread.detachNewThread {
        guard let descriptor = FreePort.connect(host, port) else { return continuation.resume(returning: nil) }
        defer { close(descriptor) }
        let bytes = Array((words + "\n").utf8)
        send(descriptor, bytes, bytes.count, Int32(MSG_NOSIGNAL))
        var answer: [UInt8] = []
        var page = [UInt8](repeating: 0, count: 65_536)
        while case let count = recv(descriptor, &page, page.count, 0), count > 0 { answer += page[..<count] }
        continuation.resume(returning: String(decoding: answer, as: UTF8.self))
      }
    }
  }

  @Test func fortyRequestsAtOnceAreAnsweredThroughTheForward() async throws {
    let server = try await SSHServer(host: "127.1.0.5")
    let connection = try await client.connect(to: server.target())

    let answers = try await connection.withForward(bind: "127.0.0.1", accept: Self.serve) { port throws(SSHError) in
      await withTaskGroup(of: String?.self) { group in
        for index in 0..<40 { group.addTask { await Self.ask(port, "request \(index)") } }
        return await group.reduce(into: Set<String?>()) { $0.insert($1) }
      }
    }
    await connection.close()

    #expect(answers == Set((0..<40).map { "answer to request \($0)\n" }))
  }

  /// sshd keeps Nagle on here; a delayed acknowledgement of ours would cost 40 ms for every request.
  @Test func oneRequestAfterTheOtherDoesNotStall() async throws {
    let server = try await SSHServer(host: "127.1.0.5")
    let connection = try await client.connect(to: server.target())

    let quick = try await connection.withForward(bind: "127.0.0.1", accept: Self.serve) { port throws(SSHError) in
      var quick = 0
      // A stall hits every request, a busy machine only most: five quick ones show that there is none.
      _ = await eventually(within: .seconds(60)) {
        let start = ContinuousClock.now
        let answer = await Self.ask(port, "ping")
        if ContinuousClock.now - start < .milliseconds(30), answer == "answer to ping\n" { quick += 1 }
        return quick == 5
      }
      return quick
    }
    await connection.close()

    #expect(quick == 5)
  }

  @Test func noMoreThanTheBoundAreServedAtOnceAndTheRestWaits() async throws {
    let server = try await SSHServer(host: "127.1.0.5")
    let connection = try await client.connect(to: server.target())
    let load = Mutex((now: 0, most: 0))

    let answers = try await connection.withForward(
      bind: "127.0.0.1", maximumInFlight: 4,
      accept: { channel in
        load.withLock { load in
          load.now += 1
          load.most = max(load.most, load.now)
        }
        await Self.serve(channel)
        load.withLock { $0.now -= 1 }
      },
      body: { port throws(SSHError) in
        await withTaskGroup(of: String?.self) { group in
          for index in 0..<24 { group.addTask { await Self.ask(port, "\(index)") } }
          return await group.reduce(into: 0) { $0 += $1?.hasPrefix("answer") ?? false ? 1 : 0 }
        }
      })
    await connection.close()

    #expect(answers == 24)
    #expect(load.withLock { $0.most } <= 4)
  }

  @Test func aMegabyteGoesBothWays() async throws {
    let server = try await SSHServer(host: "127.1.0.5")
    let connection = try await client.connect(to: server.target())
    let words = String(repeating: "0123456789abcdef", count: 65_536)

    let answer = try await connection.withForward(bind: "127.0.0.1", accept: Self.serve) { port throws(SSHError) in
      await Self.ask(port, words)
    }
    await connection.close()

    #expect(answer == "answer to " + words + "\n")
  }

  @Test func aPeerThatSaysNothingTimesOutForItsHandlerOnly() async throws {
    let server = try await SSHServer(host: "127.1.0.5")
    let connection = try await client.connect(to: server.target())
    let seen = Mutex<SSHError?>(nil)

    let answer = try await connection.withForward(
      bind: "127.0.0.1",
      accept: { channel in
        let error = await failure { () throws(SSHError) in try await channel.read(within: .milliseconds(300)) }
        if let error { seen.withLock { $0 = error } }
      },
      body: { port throws(SSHError) in
        guard let idle = FreePort.connect("127.0.0.1", port) else { return "no connection" }
        defer { close(idle) }
        let ended = await withCheckedContinuation { continuation in
          Thread.detachNewThread {
            var byte: UInt8 = 0
            continuation.resume(returning: recv(idle, &byte, 1, 0))
          }
        }
        return "closed with \(ended)"
      })
    let after = try await connection.run("echo still here")
    await connection.close()

    #expect(answer == "closed with 0")
    #expect(seen.withLock { $0?.kind } == .timedOut)
    #expect(after.text == "still here\n")
  }

  @Test func listeningEndsWithItsScope() async throws {
    let server = try await SSHServer(host: "127.1.0.5")
    let connection = try await client.connect(to: server.target())

    let port = try await connection.withForward(bind: "127.0.0.1", accept: Self.serve) { port throws(SSHError) in port }
    let isGone = await eventually { !FreePort.accepts("127.0.0.1", port) }
    let again = try await connection.withForward(bind: "127.0.0.1", port: port, accept: Self.serve) {
      port throws(SSHError) in
      await Self.ask(port, "again")
    }
    await connection.close()

    #expect(isGone)
    #expect(again == "answer to again\n")
  }

  @Test func aRefusedForwardIsSaidSo() async throws {
    let server = try await SSHServer(host: "127.1.0.5", options: ["AllowTcpForwarding no"])
    let connection = try await client.connect(to: server.target())

    let error = await failure { () throws(SSHError) in
      try await connection.withForward(bind: "127.0.0.1", accept: Self.serve) { port throws(SSHError) in port }
    }
    let after = try await connection.run("echo still here")
    await connection.close()

    #expect(error?.kind == .forwardRefused)
    #expect(after.status == 0)
  }

  /// With GatewayPorts sshd listens everywhere whatever we asked for. It works, so whoever minds has to look at the node.
  @Test func gatewayPortsWidenTheBindAndTheNodeShowsIt() async throws {
    let server = try await SSHServer(host: "127.1.0.5", options: ["GatewayPorts yes"])
    let connection = try await client.connect(to: server.target())
    let observer = try await client.connect(to: server.target())

    let (answer, table) = try await connection.withForward(bind: "127.0.0.1", accept: Self.serve) {
      port throws(SSHError) in
      let answer = await Self.ask(port, "wide")
      let hex = String(port, radix: 16, uppercase: true)
      let table = try await observer.run(
        "grep -c ' 00000000:\(String(repeating: "0", count: 4 - hex.count))\(hex) ' /proc/net/tcp")
      return (answer, table)
    }
    await connection.close()
    await observer.close()

    #expect(answer == "answer to wide\n")
    #expect(table.text == "1\n")
  }

  @Test func aDeadConnectionEndsTheForwardsHandlers() async throws {
    let server = try await SSHServer(host: "127.1.0.5")
    let connection = try await client.connect(to: server.target())

    let error = await failure { () throws(SSHError) in
      try await connection.withForward(bind: "127.0.0.1", accept: Self.serve) { port throws(SSHError) in
        _ = try await connection.run("kill -9 $PPID; sleep 100")
      }
    }

    #expect(error?.kind == .connectionLost)
  }
}
