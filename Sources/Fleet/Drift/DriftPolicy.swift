/// What is done about drift: healed by redeploying what we have, without an order, or left to a person.
public enum DriftPolicy: String, Sendable, Codable, CaseIterable {
  /// Healed unasked only where nothing lies there or an earlier certificate of ours; the rest is reported.
  case report
  /// A stranger's certificate is overwritten as well, unless it lives longer than ours.
  case heal

  /// What is done about one certificate.
  public enum Verdict: Sendable, Equatable {
    /// Nothing differs.
    case none
    /// Redeploy it; on one node alone where only that one differs.
    case heal(Drift.Kind, node: NodeID?)
    /// Left to a person, and why.
    case report(Drift.Kind, Reluctance)
  }

  /// Why drift is not healed unasked.
  public enum Reluctance: String, Sendable, Codable {
    /// A stranger's certificate lies there.
    case stranger
    /// What lies there lives longer than ours.
    case livesLonger
    /// It was put right less than seven days ago and came back.
    case repeated
    /// A redeployment would not help: another file or list is in the way.
    case wouldNotHelp
    /// Another controller works there.
    case otherController
  }

  /// The one decision about what differs of one certificate.
  ///
  /// All of it must be such that it may be healed: a rollout goes to every node that differs, and would be refused by the one that must not be
  /// touched.
  public func verdict(_ certificate: CertificateState) -> Verdict {
    let standing = certificate.standingDrift
    guard let first = standing.first else { return .none }
    let onNodes = standing.filter { $0.place != .vip }
    guard !onNodes.isEmpty else { return .report(first.drift.kind, .wouldNotHelp) }
    for (_, state, drift) in onNodes {
      if let why = reluctance(drift, state, certificate) { return .report(drift.kind, why) }
    }
    let worst = onNodes[0]
    return .heal(worst.drift.kind, node: onNodes.count == 1 ? worst.place.node : nil)
  }

  /// Whether a rollout may overwrite what was seen at this place, nil or the leaf.
  public func overwritable(on node: NodeID, of certificate: CertificateState) -> String? {
    guard let state = certificate.drifts[.node(node)], let drift = state.current,
      reluctance(drift, state, certificate) == nil
    else { return nil }
    return drift.seen?.sha256
  }

  private func reluctance(_ drift: Drift, _ state: DriftState, _ certificate: CertificateState) -> Reluctance? {
    if drift.kind == .shadowed { return .wouldNotHelp }
    // A person said `retry`: they saw what lies there.
    if certificate.mayOverwrite { return nil }
    if state.isRepeated { return .repeated }
    switch drift.kind {
    case .missing, .notOnDisk, .notListed, .notLoaded, .reverted, .expiring: return nil
    case .otherController: return .otherController
    case .replaced:
      if let theirs = drift.seen?.notAfter, let ours = certificate.issued?.notAfter, theirs > ours {
        return .livesLonger
      }
      return self == .heal ? nil : .stranger
    case .shadowed: return .wouldNotHelp
    }
  }
}

extension CertificateState {
  /// Whether a stranger's file lies where a renewal would have to go: it would be ordered for nothing.
  public var isTakenByStranger: Bool {
    guard !mayOverwrite else { return false }
    return standingDrift.contains { place, _, drift in
      place != .vip && (drift.kind == .replaced || drift.kind == .otherController)
    }
  }
}
