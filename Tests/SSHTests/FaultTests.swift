import Foundation
import SSH
import Testing

/// Every peer that is dead, stalled, late or lying ends in bounded time with the right reason, and leaves nothing open.
@Suite(.enabled(if: hasOpenSSH, "OpenSSH is not installed"), .timeLimit(.minutes(2)), .serialized)
struct FaultTests {
  private let client = SSHClient()
  private let server: SSHServer
  private let quick = SSHDeadlines(
    connect: .milliseconds(700), handshake: .milliseconds(900), authentication: .milliseconds(900),
    channel: .milliseconds(900), close: .milliseconds(500))

  init() async throws { server = try await SSHServer(host: "127.1.0.2") }

  private func target(_ port: UInt16, _ deadlines: SSHDeadlines? = nil) -> SSHTarget {
    var target = server.target(deadlines: deadlines ?? quick)
    target.port = port
    return target
  }

  private func connectFailure(_ target: SSHTarget) async -> (error: SSHError?, took: Duration) {
    let start = ContinuousClock.now
    let error = await failure { () throws(SSHError) in
      let connection = try await client.connect(to: target)
      await connection.close()
    }
    return (error, ContinuousClock.now - start)
  }

  @Test func aClosedPortIsRefused() async throws {
    let (error, _) = await connectFailure(try target(FreePort.find(on: "127.1.0.2")))

    #expect(error?.kind == .connectionRefused)
    #expect(error?.phase == .connect)
  }

  @Test func aBlackHoleTimesOutWhileConnecting() async throws {
    let hole = try BlackHole(host: "127.1.0.2")

    let (error, took) = await connectFailure(target(hole.port))

    #expect(error?.kind == .timedOut)
    #expect(error?.phase == .connect)
    #expect(took < .seconds(60))
  }

  @Test func aNameThatDoesNotExistIsSaidSo() async throws {
    var target = target(22, SSHDeadlines())
    target.host = "no-such-host.invalid"

    let (error, _) = await connectFailure(target)

    #expect(error?.phase == .resolve)
    #expect([.nameNotFound, .timedOut].contains(error?.kind))
  }

  @Test func aPeerThatAcceptsAndSaysNothingTimesOutAtTheBanner() async throws {
    let peer = try FaultPeer(.silent, host: "127.1.0.2")
    defer { peer.stop() }

    let (error, took) = await connectFailure(target(peer.port))

    #expect(error?.kind == .timedOut)
    #expect(error?.phase == .banner)
    #expect(took < .seconds(60))
  }

  @Test func aBannerThatStopsInTheMiddleTimesOut() async throws {
    let peer = try FaultPeer(.says("SSH-2.0-Op"), host: "127.1.0.2")
    defer { peer.stop() }

    let (error, _) = await connectFailure(target(peer.port))

    #expect(error?.kind == .timedOut)
    #expect(error?.phase == .banner)
  }

  @Test(arguments: ["HTTP/1.1 400 Bad Request\r\n\r\n", "\u{16}\u{3}\u{1}garbage\n", "no line end"])
  func aPeerThatSpeaksSomethingElseIsNamed(words: String) async throws {
    let peer = try FaultPeer(.says(words), host: "127.1.0.2")
    defer { peer.stop() }

    let (error, took) = await connectFailure(target(peer.port))

    #expect(error?.kind == .protocolViolation)
    #expect(error?.detail.contains("says") ?? false, "\(error?.detail ?? "")")
    #expect(error?.detail.contains("\u{16}") == false)
    #expect(took < .seconds(60))
  }

  @Test func aBannerWithoutKeyExchangeTimesOutThere() async throws {
    let peer = try FaultPeer(.says("SSH-2.0-Stalled\r\n"), host: "127.1.0.2")
    defer { peer.stop() }

    let (error, _) = await connectFailure(target(peer.port))

    #expect(error?.kind == .timedOut)
    #expect(error?.phase == .keyExchange)
  }

  @Test func aPeerThatClosesWithoutAWordIsAConnectionLost() async throws {
    let peer = try FaultPeer(.saysAndCloses(""), host: "127.1.0.2")
    defer { peer.stop() }

    let (error, _) = await connectFailure(target(peer.port))

    #expect(error?.kind == .connectionLost)
    #expect(error?.phase == .banner)
  }

  @Test(arguments: ["", "SSH-2.0-Reset\r\n"])
  func aResetIsAConnectionLostInItsPhase(words: String) async throws {
    let peer = try FaultPeer(.resetsAfter(words), host: "127.1.0.2")
    defer { peer.stop() }

    let (error, _) = await connectFailure(target(peer.port))

    #expect(error?.kind == .connectionLost)
    #expect(error?.phase == (words.isEmpty ? .banner : .keyExchange))
  }

  @Test func encryptedGarbageAfterTheBannerIsNoCrash() async throws {
    let peer = try FaultPeer(
      .says("SSH-2.0-X\r\n" + String(repeating: "\u{7f}\u{1}AB", count: 5_000)), host: "127.1.0.2")
    defer { peer.stop() }

    let (error, took) = await connectFailure(target(peer.port))

    #expect(error != nil)
    #expect(took < .seconds(60))
  }

  @Test func aLateBannerWithinTheDeadlineIsHealthy() async throws {
    let peer = try FaultPeer(
      .slow(bytesPerSecond: 1 << 20, delay: .milliseconds(600)), host: "127.1.0.2", upstream: (server.host, server.port)
    )
    defer { peer.stop() }

    let result = try await client.withConnection(to: target(peer.port, SSHDeadlines())) { connection throws(SSHError) in
      try await connection.run("echo late but well")
    }

    #expect(result.text == "late but well\n")
  }

  /// Cut or stalled anywhere in the handshake: bounded, and one of the reasons that a person can use.
  @Test(arguments: [30, 600, 1_100, 1_500, 2_000, 2_500])
  func aHandshakeThatBreaksAnywhereEnds(bytes: Int) async throws {
    for fault in [FaultPeer.Fault.stallsAfter(bytes), .cutsAfter(bytes)] {
      let peer = try FaultPeer(fault, host: "127.1.0.2", upstream: (server.host, server.port))
      defer { peer.stop() }
      let target = target(peer.port)

      let error = await failure { () throws(SSHError) in
        let connection = try await client.connect(to: target)
        _ = try await connection.run("echo; sleep 1000", bounds: CommandBounds(idle: .milliseconds(500)))
      }

      #expect([.timedOut, .connectionLost].contains(error?.kind), "\(fault): \(String(describing: error))")
    }
    #expect(await eventually { await client.openConnections == 0 })
  }

  @Test func aStallInMidCommandTimesOut() async throws {
    let peer = try FaultPeer(.latency(.zero), host: "127.1.0.2", upstream: (server.host, server.port))
    defer { peer.stop() }
    let connection = try await client.connect(to: target(peer.port))
    _ = try await connection.run("true")
    peer.freeze()

    let error = await failure { () throws(SSHError) in
      try await connection.run(
        "cat", stdin: [UInt8](repeating: 1, count: 1 << 20), bounds: CommandBounds(idle: .milliseconds(500)))
    }

    #expect(error?.kind == .timedOut)
    // The channel cannot be closed either: the session is given up, not kept for the next to hang on.
    #expect(await eventually { await !connection.isAlive })
  }

  /// A deadline on the whole would fail a healthy node behind a bad line.
  @Test func aSlowLinkThatMakesProgressIsHealthy() async throws {
    let peer = try FaultPeer(
      .slow(bytesPerSecond: 16_000, delay: .zero), host: "127.1.0.2", upstream: (server.host, server.port))
    defer { peer.stop() }
    let input = [UInt8](repeating: 66, count: 60_000)

    let start = ContinuousClock.now
    let result = try await client.withConnection(to: target(peer.port, SSHDeadlines())) { connection throws(SSHError) in
      try await connection.run("wc -c", stdin: input, bounds: CommandBounds(idle: .milliseconds(1_500)))
    }

    #expect(result.text.trimmingCharacters(in: .whitespacesAndNewlines) == "60000")
    #expect(ContinuousClock.now - start > .seconds(2))
  }

  @Test func faultsLeaveNoDescriptorOpen() async throws {
    let peers = try [
      FaultPeer(.silent, host: "127.1.0.2"), FaultPeer(.resetsAfter("SSH-2.0-Reset\r\n"), host: "127.1.0.2"),
      FaultPeer(.stallsAfter(1_100), host: "127.1.0.2", upstream: (server.host, server.port)),
    ]
    defer { for peer in peers { peer.stop() } }
    let targets = peers.map { target($0.port) }

    await withTaskGroup(of: Void.self) { group in
      for index in 0..<30 {
        group.addTask { _ = await connectFailure(targets[index % targets.count]) }
      }
    }
    let open = await client.openConnections

    #expect(open == 0)
    for peer in peers { #expect(await eventually { socketsTo(peer.port) == 0 }, "sockets to \(peer.port)") }
  }
}
