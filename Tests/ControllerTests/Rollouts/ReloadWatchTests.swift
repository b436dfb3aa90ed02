import Fleet
import Foundation
import Net
import Testing

@testable import Controller

/// A listener is watched while it goes and comes back: every handshake counts, and nothing is made up where nobody ever answered.
@Suite(.timeLimit(.minutes(2))) struct ReloadWatchTests {
  private let folder: ScratchFolder
  private let loop = CurlLoop()

  init() throws {
    folder = try ScratchFolder()
    try folder.openssl(
      "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "10", "-subj",
      "/CN=one.example", "-keyout", "one.key", "-out", "one.pem")
  }

  private func server(_ port: UInt16 = 0) throws -> TLSServer {
    try TLSServer(certificate: folder.path + "/one.pem", key: folder.path + "/one.key", port: port)
  }

  private func watch(_ port: UInt16) -> ReloadWatch {
    ReloadWatch(
      .init(address: "127.0.0.1", port: port, serverName: "one.example"), probe: CertificateProbe(loop: loop),
      clock: SystemClock())
  }

  private func wait(for watch: ReloadWatch, until isEnough: (HandshakeTally) -> Bool) async throws {
    while await !isEnough(watch.tally) { try await Task.sleep(for: .milliseconds(5)) }  // between two looks
  }

  @Test func handshakesThatFailAreCountedAndTimedUntilOneIsFinishedAgain() async throws {
    let server = try server()
    let watch = watch(server.port)
    await watch.begin()

    async let handshakes = watch.run()
    try await wait(for: watch) { $0.tried >= 3 }
    server.stop()
    try await wait(for: watch) { $0.failed >= 3 }
    let again = try self.server(server.port)
    await watch.end()
    let seen = try measured(await handshakes, at: server.port)

    #expect(seen.refused >= 2, "\(seen)")
    #expect(seen.failed == seen.refused + seen.reset && seen.tried >= seen.failed + 4, "\(seen)")
    #expect(seen.failingMilliseconds > 0 && (seen.slowestMilliseconds ?? 0) > 0, "\(seen)")
    #expect(again.port == server.port)
  }

  @Test func whereEveryHandshakeIsFinishedNothingFailed() async throws {
    let server = try server()
    let watch = watch(server.port)
    await watch.begin()

    async let handshakes = watch.run()
    await watch.end()
    let seen = try measured(await handshakes, at: server.port)

    #expect(seen.tried >= 1 && seen.failed == 0 && seen.failingMilliseconds == 0 && seen.slowestMilliseconds != nil)
  }

  @Test func whereNobodyAnswersBeforeTheReloadThereIsNothingToMeasure() async throws {
    // Port 1 of the loopback: nobody listens there.
    let watch = watch(1)
    await watch.begin()

    let seen = await watch.run()

    guard case .notMeasured(let reason) = seen else {
      Issue.record("\(seen)")
      return
    }
    #expect(reason.hasPrefix("127.0.0.1:1 did not answer before the reload either: "), "\(reason)")
  }

  /// stunnel 5.68 dereferences a null pointer in its SNI callback when a client that connected before a reload names a section after it.
  @Test func stunnelIsAskedWithoutAServerName() throws {
    let spec = CertificateSpec(
      id: SpecID("p/web"), pair: PairID("p"), vip: VIPID("v"), customer: nil, label: "web",
      names: try #require(NameSet(["one.example"])), key: .ecdsaP256, profile: nil, registeredDomains: ["one.example"],
      source: nil)

    let stunnel = ReloadWatch.Place(
      address: "192.0.2.1", port: 443, asking: spec,
      at: .stunnel(StunnelTermination(certificates: "/c", configuration: "/s")))
    let haproxy = ReloadWatch.Place(
      address: "192.0.2.1", port: 443, asking: spec, at: .haproxy(HAProxyTermination(certificates: "/c")))

    #expect(stunnel.serverName == "192.0.2.1")
    #expect(haproxy.serverName == "one.example")
  }

  private func measured(_ seen: ReloadHandshakes, at port: UInt16) throws -> HandshakeTally {
    guard case .measured("127.0.0.1:\(port)", let tally) = seen else {
      throw Unmeasured(description: "\(seen)")
    }
    return tally
  }

  private struct Unmeasured: Error, CustomStringConvertible { var description: String }
}
