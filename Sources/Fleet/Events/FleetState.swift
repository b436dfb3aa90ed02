public import Foundation

/// What is: the fold of all events, as the journal's tables hold it.
public struct FleetState: Sendable, Equatable {
  /// Wanted certificates by id; removed ones are left out.
  public var certificates: [SpecID: CertificateState]
  /// Pairs that were paused or in trouble; absent means neither.
  public var pairs: [PairID: PairState]
  /// Nodes of which something is known.
  public var nodes: [NodeID: NodeState]
  /// Our accounts.
  public var accounts: [AuthorityID: AccountState]

  /// An empty fleet unless told otherwise.
  public init(
    certificates: [SpecID: CertificateState] = [:], pairs: [PairID: PairState] = [:],
    nodes: [NodeID: NodeState] = [:], accounts: [AuthorityID: AccountState] = [:]
  ) {
    self.certificates = certificates
    self.pairs = pairs
    self.nodes = nodes
    self.accounts = accounts
  }
}

/// Where one wanted certificate stands.
public struct CertificateState: Sendable, Equatable {
  /// What is wanted.
  public var spec: CertificateSpec
  /// Counts changes of names, key or profile, from 1.
  public var revision: Int
  /// The try that is going on, if any, with its machine.
  public var attempt: Attempt?
  /// The authority that the try asks.
  public var attemptAuthority: AuthorityID?
  /// The revision that the try is for.
  public var attemptRevision: Int
  /// The newest certificate that we got.
  public var issued: IssuedCertificate?
  /// The revision that `issued` was issued for.
  public var issuedRevision: Int
  /// The node that made and holds the key of `issued`.
  public var keyNode: NodeID?
  /// The attempt whose certificate the VIP was last seen to serve.
  public var served: AttemptID?
  /// The end of life of the certificate that is served.
  public var servedNotAfter: Date?
  /// When it was seen.
  public var servedAt: Date?
  /// What each node was last proved to use.
  public var installations: [NodeID: Installation]
  /// Failures in a row that count for back-off.
  public var failures: Int
  /// The newest failure; nil after a success or a `retry`.
  public var lastFailure: Failure?
  /// When that was.
  public var lastFailureAt: Date?
  /// Since when it has been failing without a success.
  public var failingSince: Date?
  /// The sweep in which it began to fail; a failure older than the sweep is known, not new.
  public var failingSweep: SweepID?
  /// Leaves of ours that may lie on a node besides what it was proved to use: their rollout or rollback was cut short there, or the
  /// certificate was moved to another VIP. None of them was put there by hand.
  public var possibleLeaves: [NodeID: [String]]
  /// An operator said `retry` after somebody had changed the file by hand: the next rollout may overwrite it.
  public var mayOverwrite: Bool
  /// What differs from what was proved, by place, and when it last did.
  public var drifts: [DriftPlace: DriftState]

  /// A certificate nobody has tried yet.
  public init(
    spec: CertificateSpec, revision: Int = 1, attempt: Attempt? = nil,
    attemptAuthority: AuthorityID? = nil, attemptRevision: Int = 0, issued: IssuedCertificate? = nil,
    issuedRevision: Int = 0, keyNode: NodeID? = nil, served: AttemptID? = nil, servedNotAfter: Date? = nil,
    servedAt: Date? = nil, installations: [NodeID: Installation] = [:], failures: Int = 0,
    lastFailure: Failure? = nil, lastFailureAt: Date? = nil, failingSince: Date? = nil, failingSweep: SweepID? = nil,
    mayOverwrite: Bool = false, possibleLeaves: [NodeID: [String]] = [:], drifts: [DriftPlace: DriftState] = [:]
  ) {
    self.spec = spec
    self.revision = revision
    self.attempt = attempt
    self.attemptAuthority = attemptAuthority
    self.attemptRevision = attemptRevision
    self.issued = issued
    self.issuedRevision = issuedRevision
    self.keyNode = keyNode
    self.served = served
    self.servedNotAfter = servedNotAfter
    self.servedAt = servedAt
    self.installations = installations
    self.failures = failures
    self.lastFailure = lastFailure
    self.lastFailureAt = lastFailureAt
    self.failingSince = failingSince
    self.failingSweep = failingSweep
    self.mayOverwrite = mayOverwrite
    self.possibleLeaves = possibleLeaves
    self.drifts = drifts
  }

  /// What the newest certificate is called in a batch.
  public var issuedReference: AttemptReference? { issued.map { AttemptReference(spec: spec.id, attempt: $0.attempt) } }

  /// When the next try is allowed by the back-off; nil means at once.
  public var notBefore: Date? {
    guard let lastFailure, let lastFailureAt else { return nil }
    switch lastFailure.kind.retry {
    case .backOff where quarantine != nil: return lastFailureAt.addingTimeInterval(Quarantine.pause)
    case .backOff: return lastFailureAt.addingTimeInterval(BackOff.seconds(afterFailures: failures))
    case .whenAllowed: return lastFailure.retryAfter
    case .whenHealed: return nil
    // A rollback holds until what went back nears its end, unless a person lifts it before.
    case .byHand: return lastFailure.kind == .rolledBack ? lastFailure.retryAfter ?? .distantFuture : .distantFuture
    }
  }

  /// What may lie on the disk of a node without having been put there by hand.
  public func ownLeaves(on node: NodeID) -> [String] {
    (installations[node].map { [$0.sha256] } ?? []) + (possibleLeaves[node] ?? [])
  }
}

/// What one node was last proved to use for one certificate.
public struct Installation: Sendable, Equatable, Codable {
  /// The attempt whose certificate it is.
  public var attempt: AttemptID
  /// SHA-256 of its leaf: what lies on the disk unless somebody changed it by hand.
  public var sha256: String
  /// How it is known.
  public var proof: Proof
  /// Why not better, or how it was seen.
  public var reason: String
  /// When it was proved.
  public var at: Date

  /// Collects the parts.
  public init(attempt: AttemptID, sha256: String, proof: Proof, reason: String, at: Date) {
    self.attempt = attempt
    self.sha256 = sha256
    self.proof = proof
    self.reason = reason
    self.at = at
  }
}

/// A pair's standing.
public struct PairState: Sendable, Equatable {
  /// An operator said `pause`; it may have come to its end since.
  public var hold: PairHold?
  /// Why it is not touched, if something is wrong with it.
  public var trouble: Failure?
  /// Since when.
  public var troubledAt: Date?

  /// A healthy pair unless told otherwise.
  public init(hold: PairHold? = nil, trouble: Failure? = nil, troubledAt: Date? = nil) {
    self.hold = hold
    self.trouble = trouble
    self.troubledAt = troubledAt
  }
}

extension PairState {
  /// Whether nothing may be started on the pair at `now`.
  public func isPaused(at now: Date) -> Bool { hold?.isInForce(at: now) == true }
}

extension FleetState {
  /// What holds a pair at `now`.
  public func hold(on pair: PairID, at now: Date) -> PairHold? {
    pairs[pair]?.hold.flatMap { $0.isInForce(at: now) ? $0 : nil }
  }

  /// Whether nothing may be started on the pair at `now`.
  public func isPaused(_ pair: PairID, at now: Date) -> Bool { pairs[pair]?.isPaused(at: now) == true }
}

/// A node's standing.
public struct NodeState: Sendable, Equatable {
  /// Pinned SSH host keys in OpenSSH's one-line form.
  public var hostKeys: [String]
  /// What it can do: JSON of the appliance's facts.
  public var facts: String?
  /// Why it is not touched, if something is wrong with it.
  public var trouble: Failure?
  /// Since when.
  public var troubledAt: Date?
  /// The sweep in which the trouble began.
  public var troubledSweep: SweepID?

  /// An unknown node unless told otherwise.
  public init(
    hostKeys: [String] = [], facts: String? = nil, trouble: Failure? = nil, troubledAt: Date? = nil,
    troubledSweep: SweepID? = nil
  ) {
    self.hostKeys = hostKeys
    self.facts = facts
    self.trouble = trouble
    self.troubledAt = troubledAt
    self.troubledSweep = troubledSweep
  }
}

/// Our account at an authority (RFC 8555 §7.1.2).
public struct AccountState: Sendable, Equatable {
  /// The account URL, the `kid` of every request.
  public var url: String
  /// The JWK thumbprint of its key (RFC 7638), which the static challenge rule holds.
  public var thumbprint: String

  /// Collects the parts.
  public init(url: String, thumbprint: String) {
    self.url = url
    self.thumbprint = thumbprint
  }
}
