import Fleet
import Foundation
import Journal
import PKI

/// Writes into a journal what a first run would have recorded, so that `tools/bench again` has something to find done: for every
/// certificate that is wanted and was never issued an attempt, and for every pair rollouts in batches. The certificates are made up:
/// one text for all, with a serial and fingerprints of their own; or, with `as-is`, those of the text, which listeners can then really show.
///
///     JournalFiller STATE CERTIFICATE.pem AUTHORITY [as-is]
///
/// Nodes are called by the pair, with `-a` and `-b`.
@main
struct Filler {
  static func main() async throws {
    let words = CommandLine.arguments.dropFirst()
    guard words.count == 3 || words.count == 4 && words.last == "as-is" else {
      FileHandle.standardError.write(Data("usage: JournalFiller STATE CERTIFICATE.pem AUTHORITY [as-is]\n".utf8))
      exit(2)
    }
    let text = try String(contentsOfFile: words[2], encoding: .utf8)
    let journal = try JournalStore.open(directory: words[1]) { sha256($0) }
    let shown = words.count == 4 ? try X509Certificate(pem: text) : nil
    var filler = Filler(journal: journal, text: text, shown: shown, authority: AuthorityID(words[3]), now: Date())
    print(#"{"certificates": \#(try await filler.fill())}"#)
  }

  private let journal: JournalStore
  private let text: String
  /// What listeners show, where there are any.
  private let shown: X509Certificate?
  private let authority: AuthorityID
  private let now: Date
  private var random = SeededGenerator(seed: 1)

  /// A run's usual batch (`pace.batch_size`).
  private static let batch = 100
  private static let day = 86_400.0

  private init(journal: JournalStore, text: String, shown: X509Certificate?, authority: AuthorityID, now: Date) {
    self.journal = journal
    self.text = text
    self.shown = shown
    self.authority = authority
    self.now = now
  }

  /// Fills in one sweep; returns how many certificates are served then.
  private mutating func fill() async throws(JournalError) -> Int {
    let sweep: SweepID = random.id("s")
    let state = try journal.fleetState()
    let wanted = state.certificates.values.filter { $0.issued == nil }.sorted { $0.spec.id < $1.spec.id }
    let start = Event.sweepStarted(sweep: sweep, seed: 1, purpose: .run)
    _ = try await journal.append([start], sweep: sweep, at: now - Self.day)
    for (pair, certificates) in Dictionary(grouping: wanted, by: \.spec.pair).sorted(by: { $0.key < $1.key }) {
      for from in stride(from: 0, to: certificates.count, by: Self.batch) {
        let batch = certificates[from..<min(from + Self.batch, certificates.count)]
        let items = batch.map { AttemptReference(spec: $0.spec.id, attempt: random.id("a")) }
        let issued = zip(batch, items).flatMap { attempt($0.spec, $1) }
        _ = try await journal.append(issued + rollout(of: items, onto: pair), sweep: sweep, at: now - Self.day)
      }
    }
    _ = try await journal.append([.sweepEnded(sweep: sweep, end: .completed)], sweep: sweep, at: now - Self.day)
    return wanted.count
  }

  /// What one try records, from its start to the certificate.
  private func attempt(_ spec: CertificateSpec, _ of: AttemptReference) -> [Event] {
    let fingerprint = sha256(Array(of.attempt.rawValue.utf8)).map { String(format: "%02x", $0) }.joined()
    let certificate = IssuedCertificate(
      attempt: of.attempt, sha256: shown?.sha256Hex ?? fingerprint,
      serial: shown?.serialHex ?? fingerprint.prefix(36).uppercased(),
      notBefore: now - Self.day, notAfter: now + 89 * Self.day, issuer: "made up", chain: [text, text],
      publicKeySHA256: String(fingerprint.reversed()))
    return [
      .attemptStarted(of: of, names: spec.names, authority: authority, revision: 1),
      // As long as a request is, which the certificate's text stands for.
      .keyMade(of: of, key: Attempt.Key(node: NodeID("\(spec.pair)-a"), request: text)),
      .orderRequested(of: of),
      .orderCreated(of: of, url: "https://ca.example/order/\(of.attempt)"),
      .finalizeRequested(of: of),
      .issued(of: of, certificate: certificate),
    ]
  }

  /// What one batch records on its way onto a pair of two nodes.
  private mutating func rollout(of items: [AttemptReference], onto pair: PairID) -> [Event] {
    let rollout: RolloutID = random.id("r")
    let first = NodeID("\(pair)-b")
    let second = NodeID("\(pair)-a")
    func stepped(_ step: Rollout.Step) -> Event { .rolloutStepped(rollout: rollout, step: step, failure: nil) }
    func installed(_ node: NodeID) -> Event {
      .installed(node: node, certificates: items, proof: .wire, reason: "a handshake with the node's own listener")
    }
    return [
      .rolloutStarted(rollout: rollout, pair: pair, batch: items, first: first, second: second),
      stepped(.check), stepped(.stage(.first)), stepped(.stage(.second)), stepped(.activate(.first)),
      installed(first), stepped(.verify(.first)), stepped(.activate(.second)), installed(second),
      stepped(.verify(.second)), .served(certificates: items), stepped(.verifyVIP), stepped(.cleanUp(.first)),
      stepped(.cleanUp(.second)), .rolloutEnded(rollout: rollout, end: .done, cause: nil),
    ]
  }
}
