import Fleet
import Foundation
import Net
import PKI

/// Looks at what is served: a TLS handshake with SNI, the leaf and the complete chain compared with what was issued.
struct Verifier: Sendable {
  let probe: CertificateProbe
  let clock: any TimeSource

  /// What a listener showed for one certificate.
  enum Sight: Sendable, Equatable {
    /// The issued leaf with the issued chain.
    case same
    /// Another certificate, or another chain; says which.
    case other(String)
    /// Nobody answered, or not with TLS.
    case silent(String)
    /// Our own look was ended. No verdict: whoever sees it records nothing.
    case cut
  }

  /// What a listener should show for one name.
  struct Wanted: Sendable {
    var spec: SpecID
    var serverName: String
    /// The leaf, by SHA-256 in hex.
    var sha256: String
    /// The whole chain, by SHA-256; nil where only the leaf is known.
    var chain: [String]?

    /// The leaf alone: of a chain that a node keeps, only that is known here.
    init(_ spec: CertificateSpec, leaf sha256: String) {
      self.spec = spec.id
      self.sha256 = sha256
      let first = spec.names.first
      serverName = first.hasPrefix("*.") ? "certfleet" + first.dropFirst() : first
    }

    /// What was issued, with its chain.
    init(_ certificate: CertificateState) throws(PKIError) {
      self.init(certificate.spec, leaf: certificate.issued?.sha256 ?? "")
      chain = try certificate.issued?.chain.map { pem throws(PKIError) in try X509Certificate(pem: pem).sha256Hex }
    }
  }

  /// Handshakes with one listener at the same time.
  private static let inFlight = 16

  /// Looks at every certificate on one address until it shows what was issued, at most `seconds` long: a reload takes effect a moment later.
  func look(
    at address: String, port: UInt16, for certificates: [CertificateState], patience seconds: Double
  ) async -> [SpecID: Sight] {
    var unreadable: [SpecID: Sight] = [:]
    var wanted: [Wanted] = []
    for certificate in certificates {
      do throws(PKIError) {
        wanted.append(try Wanted(certificate))
      } catch {
        unreadable[certificate.spec.id] = .other("the issued chain cannot be read: \(error.text)")
      }
    }
    return await look(at: address, port: port, for: wanted, patience: seconds).merging(unreadable) { $1 }
  }

  /// The same for leaves that may come from anywhere.
  func look(
    at address: String, port: UInt16, for wanted: [Wanted], patience seconds: Double
  ) async -> [SpecID: Sight] {
    let deadline = clock.now + seconds
    var sights: [SpecID: Sight] = [:]
    var left = wanted
    while true {
      sights.merge(await once(at: address, port: port, for: left)) { $1 }
      left = left.filter { sights[$0.spec] != .same }
      if left.isEmpty || clock.now >= deadline || Task.isCancelled { return sights }
      await clock.sleep(until: clock.now + 0.25)
    }
  }

  private func once(at address: String, port: UInt16, for wanted: [Wanted]) async -> [SpecID: Sight] {
    await each(wanted, \.spec) { await sight(of: $0, at: address, port: port) }
  }

  /// The leaf that a listener shows for each name now, or why none was seen.
  func leaves(
    at address: String, port: UInt16, for wanted: [Wanted]
  ) async -> [SpecID: Result<X509Certificate, Unseen>] {
    await each(wanted, \.spec) { await leaf(at: address, port: port, $0.serverName) }
  }

  private func leaf(
    at address: String, port: UInt16, _ serverName: String
  ) async -> Result<X509Certificate, Unseen> {
    do throws(Unseen) {
      let leaf = try await chain(at: address, port: port, serverName).leaf
      return .success(leaf)
    } catch {
      return .failure(error)
    }
  }

  /// What was seen for one certificate. No tuple: the optimiser breaks those (Docs/decisions/0010).
  private struct Seen<Value: Sendable>: Sendable {
    var spec: SpecID
    var value: Value
  }

  /// Asks for each, some at the same time.
  func each<Item: Sendable, Value: Sendable>(
    _ items: [Item], _ spec: @Sendable (Item) -> SpecID, _ ask: @escaping @Sendable (Item) async -> Value
  ) async -> [SpecID: Value] {
    await withTaskGroup(of: Seen<Value>.self) { group in
      func add(_ one: Item) {
        let id = spec(one)
        group.addTask {
          let value = await ask(one)
          return Seen(spec: id, value: value)
        }
      }
      var results: [SpecID: Value] = [:]
      var waiting = items[...]
      for one in waiting.prefix(Self.inFlight) { add(one) }
      waiting = waiting.dropFirst(Self.inFlight)
      while let seen = await group.next() {
        results[seen.spec] = seen.value
        if let one = waiting.popFirst() { add(one) }
      }
      return results
    }
  }

  private func sight(of wanted: Wanted, at address: String, port: UInt16) async -> Sight {
    do throws(Unseen) {
      let (leaf, chain) = try await self.chain(at: address, port: port, wanted.serverName)
      guard leaf.sha256Hex == wanted.sha256 else {
        return .other(
          "\(address):\(port) shows serial \(leaf.serialHex) of \(leaf.issuer), valid until \(Wording.minute(leaf.notAfter)) UTC"
        )
      }
      guard wanted.chain.map({ $0 == chain.map(\.sha256Hex) }) ?? true else {
        return .other(
          "\(address):\(port) shows the new leaf with \(chain.count) of \(wanted.chain?.count ?? 0) certificates of its chain"
        )
      }
      return .same
    } catch {
      switch error {
      case .silent(let reason): return .silent(reason)
      case .cut: return .cut
      }
    }
  }

  /// Why no certificate was seen.
  enum Unseen: Error, Sendable, Equatable {
    /// Nobody answered, or not with TLS.
    case silent(String)
    /// Our own look was ended: it says nothing of the listener.
    case cut

    var reason: String {
      switch self {
      case .silent(let reason): reason
      case .cut: "the look was ended"
      }
    }
  }

  private func chain(
    at address: String, port: UInt16, _ serverName: String
  ) async throws(Unseen) -> (leaf: X509Certificate, chain: [X509Certificate]) {
    let served: ServedCertificate
    do throws(NetError) {
      served = try await probe.chain(servedAt: address, port: port, serverName: serverName, deadline: .seconds(10))
    } catch {
      throw error.kind == .cancelled ? .cut : .silent("\(address):\(port): \(error.detail)")
    }
    do throws(PKIError) {
      let chain = try served.chainPEM.map { pem throws(PKIError) in try X509Certificate(pem: pem) }
      guard let leaf = chain.first else { throw PKIError.malformed("an empty chain") }
      return (leaf, chain)
    } catch {
      throw .silent("\(address):\(port) shows a certificate that cannot be read")
    }
  }
}
