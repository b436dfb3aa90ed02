import Appliance
public import Fleet
public import Foundation
import Journal
import Net
import PKI
import SSH

/// What one node holds of each certificate of its pair: on its disk, in memory, on the wire; three facts that may differ.
public struct NodeFingerprints: Sendable, Codable {
  /// The node.
  public var node: NodeID
  /// Why it could not be asked.
  public var failure: Failure?
  /// One row for each certificate and termination.
  public var rows: [Row] = []
  /// Its newest reload, from the journal.
  public var lastReload: LastReload?

  /// A reload of the past.
  public struct LastReload: Sendable, Codable {
    /// When it was recorded.
    public var at: Date
    /// What it took.
    public var reload: Reload
  }

  /// One certificate at one termination.
  public struct Row: Sendable, Codable {
    /// The certificate.
    public var spec: SpecID
    /// `haproxy` or `stunnel`.
    public var termination: String
    /// SHA-256 of the leaf that should be in use.
    public var expected: String
    /// The file.
    public var disk: Sight
    /// What the running process says.
    public var memory: Sight
    /// What this node's own listener shows for the name.
    public var wire: Sight
  }

  /// One look at one place.
  public struct Sight: Sendable, Codable {
    /// SHA-256 of the leaf, or `sha1:` and SHA-1 where that is all that is told; nil where nothing was seen.
    public var fingerprint: String?
    /// Whether it is the expected one; nil where nobody can say.
    public var matches: Bool?
    /// Why nothing was seen, or what speaks against it.
    public var note: String?
  }

  /// Whether something was seen that is not the expected certificate.
  public var differs: Bool {
    rows.contains { [$0.disk, $0.memory, $0.wire].contains { $0.matches == false } }
  }

  /// For people.
  public var lines: [String] {
    ["", "On \(node):"] + table
      + (lastReload.map { ["  last reload, \(Wording.minute($0.at)) UTC: \($0.reload.words)"] } ?? [])
  }

  private var table: [String] {
    if let failure { return ["  \(failure.kind.title): \(Printable.terminal(failure.detail))"] }
    guard !rows.isEmpty else { return ["  nothing was issued for it yet"] }
    var table = TextTable("certificate", "expected", "disk", "memory", "wire", "")
    for row in rows {
      let notes = [row.disk, row.memory, row.wire].filter { $0.matches == false }.compactMap(\.note)
      table.add(
        row.spec.rawValue, Self.short(row.expected), words(row.disk), words(row.memory), words(row.wire),
        notes.joined(separator: "; "))
    }
    return table.lines
  }

  private func words(_ sight: Sight) -> String {
    guard let fingerprint = sight.fingerprint else { return sight.matches == false ? "NONE" : sight.note ?? "-" }
    return (sight.matches == false ? "DIFFERS " : "") + Self.short(fingerprint)
  }

  private static func short(_ fingerprint: String) -> String {
    String(fingerprint.prefix(fingerprint.hasPrefix("sha1:") ? 17 : 12))
  }
}

extension Workplace {
  /// Asks the nodes of a pair what they hold now. Writes nothing, in the journal or on the nodes.
  public func fingerprints(of id: String) async throws(CommandFault) -> [NodeFingerprints] {
    let chosen = try find(pairs: [id])
    let state = try fleetState()
    guard let pair = inventory.pairs.first(where: { chosen.contains($0.id) }) else { return [] }
    let certificates = state.certificates.values.filter { $0.spec.pair == pair.id && $0.issued != nil }
      .sorted { $0.spec.id < $1.spec.id }
    let client = SSHClient()
    let loop = CurlLoop()
    defer { loop.shutdown() }
    let desk = FingerprintDesk(
      certificates: certificates, verifier: Verifier(probe: CertificateProbe(loop: loop), clock: clock), clock: clock)
    let targets = NodeTargets(state: state)
    let found = await withTaskGroup(of: NodeFingerprints.self) { group in
      for node in pair.nodes {
        let link = NodeLink(node: node, client: client, nodes: Gate(limit: 1)) { () async throws(Failure) in
          try await targets.target(of: node)
        }
        group.addTask {
          let found = await desk.look(at: link)
          await link.close()
          return found
        }
      }
      var found: [NodeID: NodeFingerprints] = [:]
      for await one in group { found[one.node] = one }
      return found
    }
    await client.shutdown()
    var all: [NodeFingerprints] = []
    for node in pair.nodes {
      guard var one = found[node.id] else { continue }
      one.lastReload = try lastReload(of: node.id)
      all.append(one)
    }
    return all
  }

  private func lastReload(of node: NodeID) throws(CommandFault) -> NodeFingerprints.LastReload? {
    let record = try journaled(try journal.lastReload(of: node))
    guard let record, case .reloaded(_, _, let reload) = record.event else { return nil }
    return .init(at: record.at, reload: reload)
  }
}

/// Compares what a node tells and shows with what should be in use.
struct FingerprintDesk: Sendable {
  let certificates: [CertificateState]
  let verifier: Verifier
  let clock: any TimeSource

  func look(at link: NodeLink) async -> NodeFingerprints {
    var found = NodeFingerprints(node: link.node.id)
    do throws(Failure) {
      let facts = try await link.facts(clock).get()
      var random = SeededGenerator(seed: UInt64.random(in: .min ... .max))
      let there = NodeWork(
        link: link,
        work: RolloutWork(
          node: link.node, facts: facts, rollout: random.id("l"),
          files: certificates.compactMap { certificate in
            certificate.issued.map { BatchFile($0, of: certificate.spec, expected: .leaves([])) }
          }))
      let evidence = try await there.evidence { $0.verify(nonce: .fresh()) }
      // What looking needed on the node goes again.
      try await there.cleanUp(succeeded: false)
      let wire = await self.wire(link.node)
      for piece in evidence {
        guard let certificate = certificates.first(where: { $0.spec.id == piece.spec }),
          let expected = certificate.expectedLeaf
        else { continue }
        let disk = Self.disk(piece, expected)
        let seen = wire[piece.termination]?[piece.spec]
        found.rows.append(
          .init(
            spec: piece.spec, termination: link.node.terminations[piece.termination].word, expected: expected,
            disk: disk, memory: Self.memory(piece, certificate, expected, isOnDisk: disk.matches == true),
            wire: Self.wire(seen, expected)))
      }
    } catch {
      found.failure = error
    }
    return found
  }

  /// What each listener of the node shows, by termination.
  private func wire(_ node: Node) async -> [Int: [SpecID: Result<X509Certificate, Verifier.Unseen>]] {
    var found: [Int: [SpecID: Result<X509Certificate, Verifier.Unseen>]] = [:]
    for (index, termination) in node.terminations.enumerated() {
      guard let probe = termination.probe else { continue }
      let wanted = certificates.filter { termination.vips?.contains($0.spec.vip) ?? true }
        .map { Verifier.Wanted($0.spec, leaf: $0.expectedLeaf ?? "") }
      found[index] = await verifier.leaves(at: probe.address, port: probe.port, for: wanted)
    }
    return found
  }

  private static func disk(_ piece: Evidence, _ expected: String) -> NodeFingerprints.Sight {
    guard let leaf = piece.disk.fingerprint else {
      return .init(fingerprint: nil, matches: false, note: "there is no file")
    }
    guard leaf != "unreadable" else {
      return .init(fingerprint: nil, matches: false, note: "the file on the disk cannot be read")
    }
    return .init(
      fingerprint: leaf, matches: leaf == expected,
      note: leaf == expected ? nil : "the disk holds serial \(piece.disk.serial ?? "unknown")")
  }

  /// HAProxy tells SHA-1 and serial. Of a certificate that came back by a rollback only the file is known: its serial has to do.
  private static func memory(
    _ piece: Evidence, _ certificate: CertificateState, _ expected: String, isOnDisk: Bool
  ) -> NodeFingerprints.Sight {
    guard let memory = piece.memory else {
      return .init(fingerprint: nil, matches: nil, note: piece.blindness == nil ? "not askable" : "not told")
    }
    guard let sha1 = memory.fingerprint?.lowercased() else {
      return .init(fingerprint: nil, matches: false, note: "memory does not hold it")
    }
    var matches = isOnDisk && memory.serial == piece.disk.serial
    if let issued = certificate.issued, issued.sha256 == expected, let known = self.sha1(issued) {
      matches = sha1 == known
    }
    let note: String? =
      !matches
      ? "memory holds serial \(memory.serial ?? "unknown")"
      : memory.standing == .unused ? "no bind line uses what memory holds" : nil
    return .init(fingerprint: "sha1:\(sha1)", matches: matches && memory.standing != .unused, note: note)
  }

  private static func sha1(_ issued: IssuedCertificate) -> String? {
    do throws(PKIError) {
      return try issued.chain.first.map { pem throws(PKIError) in try X509Certificate(pem: pem).sha1Hex }
    } catch {
      return nil
    }
  }

  private static func wire(
    _ seen: Result<X509Certificate, Verifier.Unseen>?, _ expected: String
  ) -> NodeFingerprints.Sight {
    switch seen {
    case .success(let leaf):
      .init(
        fingerprint: leaf.sha256Hex, matches: leaf.sha256Hex == expected,
        note: leaf.sha256Hex == expected ? nil : "the wire shows serial \(leaf.serialHex)")
    case .failure(let unseen): .init(fingerprint: nil, matches: nil, note: unseen.reason)
    case nil: .init(fingerprint: nil, matches: nil, note: "no own listener")
    }
  }
}

extension CertificateState {
  /// SHA-256 of the leaf that the nodes should use: the newest, unless an operator rolled it back.
  var expectedLeaf: String? {
    if lastFailure?.kind == .rolledBack, let held = installations.values.first(where: { $0.attempt == served }) {
      return held.sha256
    }
    return issued?.sha256
  }
}

extension Termination {
  /// The word for it in lists.
  var word: String {
    switch self {
    case .haproxy: "haproxy"
    case .stunnel: "stunnel"
    }
  }
}
