import Fleet
import Foundation
import Net
import PKI

/// Looks at what listeners show, for a whole fleet at a time, without harm to any of them.
///
/// | bound                            | value | why                                                                      |
/// |----------------------------------|------:|--------------------------------------------------------------------------|
/// | handshakes under way with one address | 4 | half-open handshakes of ours never fill a small appliance's backlog      |
/// | new handshakes a second with one address | 50 | a tenth of a core of an old appliance, 2 ms for an RSA signature      |
/// | handshakes under way in all      |    32 | as with SSH                                                              |
/// | time-outs in a row               |     2 | an address that is silent is asked no more: 10 s instead of 5 s a name   |
struct WireLook: Sendable {
  let probe: CertificateProbe
  let clock: any TimeSource
  let gate = Gate(limit: 32)

  private static let workers = 4
  private static let secondsBetween = 0.08
  private static let deadline = Duration.seconds(5)
  private static let patience = 2

  /// A name to be asked for, and the leaf that should be shown.
  struct Question: Sendable {
    var spec: SpecID
    var serverName: String
    var expected: String

    init(_ spec: CertificateSpec, expected: String) {
      self.spec = spec.id
      serverName = Verifier.Wanted(spec, leaf: expected).serverName
      self.expected = expected
    }
  }

  /// What one address showed, name by name.
  struct Answer: Sendable {
    var seen: [SpecID: NodeSighting.Wire] = [:]
    /// Why the listener is dead, where all that was asked says so.
    var death: String?
    /// Handshakes that were tried.
    var handshakes = 0
  }

  /// Asks one address for all the names. Where nobody listens, it is asked once more after a moment: it may be reloading.
  func look(at place: ProbeAddress, _ questions: [Question]) async -> Answer {
    var answer = await once(at: place, questions)
    if answer.death != nil, !Task.isCancelled {
      await clock.sleep(until: clock.now + 2)
      let tried = answer.handshakes
      answer = await once(at: place, questions)
      answer.handshakes += tried
    }
    return answer
  }

  private func once(at place: ProbeAddress, _ questions: [Question]) async -> Answer {
    let count = min(Self.workers, questions.count)
    let parts = await withTaskGroup(of: Answer.self) { group in
      for worker in 0..<count {
        let share = stride(from: worker, to: questions.count, by: count).map { questions[$0] }
        group.addTask { await ask(share, at: place) }
      }
      var parts: [Answer] = []
      for await part in group { parts.append(part) }
      return parts
    }
    var answer = Answer()
    for part in parts {
      answer.seen.merge(part.seen) { first, _ in first }
      answer.handshakes += part.handshakes
    }
    answer.death = Self.death(answer.seen.values)
    if answer.death == nil {
      // One that was refused among others that were answered is no verdict about the listener, and none about the name.
      answer.seen = answer.seen.mapValues { if case .dead(let why) = $0 { .unclear(why) } else { $0 } }
    }
    return answer
  }

  private static func death(_ seen: some Collection<NodeSighting.Wire>) -> String? {
    var death: String?
    for wire in seen {
      guard case .dead(let why) = wire else { return nil }
      death = why
    }
    return death
  }

  /// One worker's share, one handshake after the other.
  private func ask(_ questions: [Question], at place: ProbeAddress) async -> Answer {
    var answer = Answer()
    var misses = 0
    var last: NodeSighting.Wire = .notAsked
    for question in questions {
      if Task.isCancelled { break }
      if misses >= Self.patience {
        answer.seen[question.spec] = last
        continue
      }
      let next = clock.now + Self.secondsBetween
      let wire = await gate.run { await handshake(question, at: place) }
      answer.handshakes += 1
      answer.seen[question.spec] = wire
      last = wire
      switch wire {
      case .leaf, .nothing, .notAsked: misses = 0
      case .dead, .unclear: misses += 1
      }
      await clock.sleep(until: next)
    }
    return answer
  }

  private func handshake(_ question: Question, at place: ProbeAddress) async -> NodeSighting.Wire {
    let served: ServedCertificate
    do throws(NetError) {
      served = try await probe.chain(
        servedAt: place.address, port: place.port, serverName: question.serverName, deadline: Self.deadline)
    } catch {
      return Self.unseen(error, at: place)
    }
    guard let pem = served.chainPEM.first else { return .unclear("\(place.text) shows an empty chain") }
    do throws(PKIError) {
      let leaf = try X509Certificate(pem: pem)
      return .leaf(SeenLeaf(leaf))
    } catch {
      return .unclear("\(place.text) shows a certificate that cannot be read")
    }
  }

  /// Only what the address itself said is a fact about it: a time-out may be ours, or the way's.
  static func unseen(_ error: NetError, at place: ProbeAddress) -> NodeSighting.Wire {
    let words = "\(place.text): \(error.detail)"
    switch error.kind {
    case .connectionRefused: return .dead(words)
    // An alert is TLS: `strict-sni` answers so for a name that it has no certificate for.
    case .tls(let said) where said.contains("alert") || error.detail.contains("alert"): return .nothing(words)
    case .tls: return .dead(words)
    // We ended the look ourselves: nothing was asked.
    case .cancelled: return .notAsked
    case .nameNotFound, .unreachable, .timedOut, .connectionLost, .bodyTooLarge, .smtp, .badURL, .other:
      return .unclear(words)
    }
  }
}

extension SeenLeaf {
  init(_ leaf: X509Certificate) {
    self.init(
      sha256: leaf.sha256Hex, sha1: leaf.sha1Hex, serial: leaf.serialHex.uppercased(),
      issuer: leaf.issuerCommonNames.first ?? leaf.issuer, notAfter: leaf.notAfter)
  }
}

extension ProbeAddress {
  /// `192.0.2.1:443`.
  var text: String { address.contains(":") ? "[\(address)]:\(port)" : "\(address):\(port)" }
}
