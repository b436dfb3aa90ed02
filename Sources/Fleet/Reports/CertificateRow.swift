public import Foundation

/// One certificate as reports show it: where it stands, in one word, and what there is to say about it.
public struct CertificateRow: Sendable, Equatable, Codable {
  /// Which.
  public var spec: SpecID
  /// Its names.
  public var names: [String]
  /// Whose.
  public var customer: CustomerID?
  /// Where.
  public var pair: PairID
  /// The VIP within the pair.
  public var vip: VIPID
  /// What visitors get.
  public var service: ServiceState
  /// What our work on it has come to.
  public var work: WorkState
  /// Where its newest version stands.
  public var standing: Standing
  /// Why it does not stand better.
  public var cause: Failure?
  /// When the cause was recorded.
  public var causeAt: Date?
  /// Since when it has been failing.
  public var failingSince: Date?
  /// Whether it began to fail in the run that is reported.
  public var isNewFailure: Bool
  /// Tries that failed in a row.
  public var failures: Int
  /// Why it is left alone but for a try a week, if it is.
  public var quarantine: Quarantine?
  /// Since when no order is made for it because one would certainly fail, if that is so.
  public var heldSince: Date?
  /// The next try, where a back-off says so.
  public var nextTry: Date?
  /// The end of life of what the VIP serves.
  public var servedNotAfter: Date?
  /// When it is due for renewal.
  public var dueAt: Date?
  /// The best proof of each node, `wire`, `memory` or `disk`, with its reason.
  public var proofs: [NodeID: ProofNote]
  /// When it was last looked at, and what was seen; nil where nobody looked, or the report does not ask.
  public var lastSeen: LastSeen?

  /// How a node was proved.
  public struct ProofNote: Sendable, Equatable, Codable {
    /// The level.
    public var level: Proof
    /// Why not better, or how it was seen.
    public var reason: String
    /// Whether it is the certificate that should be there.
    public var isCurrent: Bool
  }

  /// Where a certificate stands, in one word.
  public enum Standing: String, Sendable, Codable, CaseIterable {
    /// The VIP serves the newest certificate.
    case served
    /// It is issued and waits for its rollout.
    case issued
    /// The last try failed; an older certificate may still be served.
    case failing
    /// Nothing is wrong with it, but its turn has not come or its pair cannot be touched.
    case waiting
  }

  /// Describes a certificate at `now`.
  ///
  /// - Parameters:
  ///   - sweep: the run that is reported; failures that began in it are new.
  ///   - since: the same by time, for a run that another process did the work of.
  public init(
    _ certificate: CertificateState, in state: FleetState, pair: Pair?, sweep: SweepID?, since: Date = .distantFuture,
    at now: Date
  ) {
    spec = certificate.spec.id
    names = certificate.spec.names.names
    customer = certificate.spec.customer
    self.pair = certificate.spec.pair
    vip = certificate.spec.vip
    failingSince = certificate.failingSince
    failures = certificate.failures
    quarantine = certificate.quarantine
    let beganInSweep = sweep != nil && certificate.failingSweep == sweep
    isNewFailure =
      certificate.lastFailure != nil && (beganInSweep || certificate.failingSince.map { $0 >= since } == true)
    nextTry = certificate.notBefore.flatMap { $0 == .distantFuture ? nil : $0 }
    servedNotAfter = ServiceState.end(of: certificate)
    dueAt = certificate.issued?.dueAt
    proofs = certificate.installations.mapValues {
      ProofNote(level: $0.proof, reason: $0.reason, isCurrent: $0.attempt == certificate.issued?.attempt)
    }
    let isCurrent = certificate.issued != nil && certificate.issuedRevision == certificate.revision
    let trouble = Self.trouble(of: pair, certificate.spec.pair, in: state)
    let standing: Standing
    if let failure = certificate.lastFailure {
      standing = failure.kind.loudness == .quiet ? .waiting : .failing
      cause = failure
      causeAt = certificate.lastFailureAt
    } else if isCurrent, certificate.served != nil, certificate.served == certificate.issued?.attempt {
      standing = .served
    } else {
      standing = isCurrent ? .issued : .waiting
      cause = trouble?.failure
      causeAt = trouble?.at
    }
    self.standing = standing
    service = ServiceState(of: certificate, at: now)
    work = WorkState(of: certificate, standing: standing, pair: pair, in: state, at: now)
  }

  /// `served until 2027-02-21 10:12; new version: waiting`: the service first, our work beside it.
  public var text: String {
    let version = service == .unserved ? "" : "new version: "
    let what: String? =
      switch work {
      case .done: nil
      case .due: "renewal is due"
      case .waiting: version + "waiting"
      case .issued: version + "issued"
      case .failing: service == .unseen || service == .other ? nil : version + "failing"
      case .held: "held by an operator"
      }
    return service.text(until: servedNotAfter) + (what.map { "; " + $0 } ?? "")
  }

  private static func trouble(of pair: Pair?, _ id: PairID, in state: FleetState) -> (failure: Failure, at: Date?)? {
    if let known = state.pairs[id], let failure = known.trouble { return (failure, known.troubledAt) }
    for node in pair?.nodes ?? [] {
      if let known = state.nodes[node.id], let failure = known.trouble { return (failure, known.troubledAt) }
    }
    return nil
  }
}
