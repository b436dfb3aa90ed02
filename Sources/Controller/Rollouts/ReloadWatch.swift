import Fleet
import Foundation
import Net

/// Keeps making TLS handshakes with one listener, one after the other, while its node reloads.
actor ReloadWatch {
  /// Where the listener is, and a name that it serves.
  struct Place: Sendable {
    var address: String
    var port: UInt16
    var serverName: String
  }

  private let place: Place
  private let probe: CertificateProbe
  private let clock: any TimeSource
  private(set) var tally = HandshakeTally()
  private var endedAt: ContinuousClock.Instant?
  /// Why there is nothing to be measured.
  private var hindrance: String?

  init(_ place: Place, probe: CertificateProbe, clock: any TimeSource) {
    self.place = place
    self.probe = probe
    self.clock = clock
  }

  /// Between two handshakes. At most 40 a second: to a node that stands under load nothing, and a listener that is away for longer than
  /// this and a handshake is not overlooked. stunnel is away for 0.1 s and more, for it reads all of its files anew.
  private static let pause = 0.025
  /// A visitor who sees nothing for so long has left.
  private static let deadline = Duration.seconds(5)
  /// A listener that answers nobody for so long after the step is down; the verification that follows tells more.
  private static let settling = Duration.seconds(5)

  /// One handshake before anything is done: where nobody answers now, failures would say nothing about the reload.
  func begin() async {
    do throws(NetError) {
      _ = try await handshake()
    } catch {
      hindrance = "\(at) did not answer before the reload either: \(error.detail)"
    }
  }

  /// Goes on until `end` was called, and then until a handshake came to its end again.
  func run() async -> ReloadHandshakes {
    if let hindrance { return .notMeasured(reason: hindrance) }
    var failingSince: ContinuousClock.Instant?
    while !Task.isCancelled {
      let start = ContinuousClock.now
      let isLast = endedAt != nil
      do throws(NetError) {
        tally.finish(milliseconds: Self.milliseconds(try await handshake()))
        if let since = failingSince { tally.failingMilliseconds += Self.milliseconds(.now - since) }
        failingSince = nil
        if isLast { break }
      } catch {
        guard let fault = Self.fault(error.kind) else { break }
        tally.fail(fault)
        failingSince = failingSince ?? start
        if let endedAt, .now - endedAt >= Self.settling { break }
      }
      await clock.sleep(until: clock.now + Self.pause)
    }
    if let since = failingSince { tally.failingMilliseconds += Self.milliseconds(.now - since) }
    return tally.tried > 0 ? .measured(at: at, tally: tally) : .notMeasured(reason: "the run was interrupted")
  }

  private var at: String { "\(place.address):\(place.port)" }

  /// The step is over.
  func end() { endedAt = .now }

  private func handshake() async throws(NetError) -> Duration {
    try await probe.chain(
      servedAt: place.address, port: place.port, serverName: place.serverName, deadline: Self.deadline
    ).handshake
  }

  private static func fault(_ kind: NetError.Kind) -> HandshakeTally.Fault? {
    switch kind {
    case .connectionRefused: .refused
    case .connectionLost: .reset
    case .timedOut: .timedOut
    case .cancelled: nil
    case .nameNotFound, .unreachable, .tls, .bodyTooLarge, .smtp, .badURL, .other: .other
    }
  }

  /// Rounded up: none takes no time.
  private static func milliseconds(_ span: Duration) -> Int { Int((span / .milliseconds(1)).rounded(.up)) }
}

extension ReloadWatch.Place {
  /// stunnel is asked without SNI, for an address is no server name: 5.68 crashes when a client that connected before a reload names one of its
  /// SNI sections after it, and a watch must not be that client.
  init(address: String, port: UInt16, asking spec: CertificateSpec, at termination: Termination) {
    let serverName =
      switch termination {
      case .stunnel: address
      case .haproxy: Verifier.Wanted(spec, leaf: "").serverName
      }
    self.init(address: address, port: port, serverName: serverName)
  }
}
