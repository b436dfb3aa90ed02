import Foundation
import Testing

@testable import SSH

@Suite(.enabled(if: hasOpenSSH, "OpenSSH is not installed"), .timeLimit(.minutes(3)), .serialized)
struct ScaleTests {
  @Test func twoHundredSessionsAtOnceWithBoundedHandshakes() async throws {
    let server = try await SSHServer(host: "127.1.0.10")
    let client = SSHClient(handshakeLimit: 8)
    var target = server.target()
    // On a machine that does other things as well, all of 200 logins may take a while.
    target.deadlines = SSHDeadlines(handshake: .seconds(60), authentication: .seconds(60), channel: .seconds(60))
    let patient = target

    let connections = try await withThrowingTaskGroup(of: Opened.self) { group in
      for _ in 0..<200 {
        group.addTask {
          let connection = try await client.connect(to: patient)
          return Opened(connection: connection)
        }
      }
      return try await group.reduce(into: [Opened]()) { $0.append($1) }
    }
    let answers = try await withThrowingTaskGroup(of: String.self) { group in
      for (index, opened) in connections.enumerated() {
        group.addTask { try await opened.connection.run("echo \(index)").text }
      }
      return try await group.reduce(into: Set<String>()) { $0.insert($1) }
    }
    let open = await client.openConnections
    await client.shutdown()
    let late = await failure { () throws(SSHError) in try await client.connect(to: patient) }

    #expect(answers == Set((0..<200).map { "\($0)\n" }))
    #expect(open == 200)
    #expect(await client.openConnections == 0)
    #expect(late?.kind == .closed)
    #expect(await eventually { socketsTo(server.port) == 0 })
  }

  @Test func noMoreHandshakesThanTheLimitAreUnderWay() async throws {
    let peer = try FaultPeer(.silent, host: "127.1.0.10")
    defer { peer.stop() }
    let server = try await SSHServer(host: "127.1.0.10")
    let client = SSHClient(handshakeLimit: 3)
    var target = server.target()
    target.port = peer.port
    target.deadlines.handshake = .milliseconds(400)
    let stalled = target

    let (errors, most) = await withTaskGroup(of: SSHError?.self) { group in
      for _ in 0..<12 {
        group.addTask { await failure { () throws(SSHError) in try await client.connect(to: stalled) } }
      }
      var most = 0
      var errors: [SSHError?] = []
      for await error in group {
        errors.append(error)
        most = max(most, socketsTo(peer.port))
      }
      return (errors, most)
    }

    #expect(errors.allSatisfy { $0?.kind == .timedOut })
    #expect(most <= 3)
  }

  @Test func waitingForATurnCanBeCancelled() async throws {
    let peer = try FaultPeer(.silent, host: "127.1.0.10")
    defer { peer.stop() }
    let server = try await SSHServer(host: "127.1.0.10")
    let client = SSHClient(handshakeLimit: 1)
    var target = server.target()
    target.port = peer.port
    target.deadlines.handshake = .seconds(60)
    let stalled = target
    let start = ContinuousClock.now

    let errors = await withTaskGroup(of: SSHError?.self) { group in
      for _ in 0..<3 {
        group.addTask { await failure { () throws(SSHError) in try await client.connect(to: stalled) } }
      }
      _ = await eventually { socketsTo(peer.port) == 1 }
      group.cancelAll()
      return await group.reduce(into: []) { $0.append($1) }
    }

    #expect(errors.map { $0?.kind } == [.cancelled, .cancelled, .cancelled])
    #expect(ContinuousClock.now - start < .seconds(20))
    #expect(await client.openConnections == 0)
  }

  private struct Opened: Sendable {
    let connection: SSHConnection
  }
}
