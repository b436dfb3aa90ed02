public import Fleet

/// Which node of a pair is active for one VIP, decided from what the nodes said.
public enum ActiveVerdict: Sendable, Equatable {
  /// Exactly one node says so.
  case active(NodeID, peer: Peer)
  /// Every node says that it is passive: nothing is touched, asked again later.
  case none(Failure)
  /// Both say active: nothing is touched, an operator must look.
  case splitBrain(Failure)
  /// It cannot be known: a node that might be active does not answer.
  case unknown(Failure)

  /// The other node.
  public enum Peer: Sendable, Equatable {
    /// It says that it is passive.
    case passive
    /// It is unreachable or broken: the pair is degraded.
    case unreachable(Failure)
    /// A pair of one node.
    case absent
  }

  /// The failure that keeps the pair from being touched, if one does.
  public var failure: Failure? {
    switch self {
    case .active: nil
    case .none(let failure), .splitBrain(let failure), .unknown(let failure): failure
    }
  }

  /// Decides for one VIP. A node's answer is its role, or why it could not be asked.
  ///
  /// | one     | other       | verdict                                                            |
  /// |---------|-------------|--------------------------------------------------------------------|
  /// | active  | passive     | active                                                             |
  /// | active  | active      | split brain                                                        |
  /// | passive | passive     | none                                                               |
  /// | active  | no answer   | active, degraded                                                   |
  /// | passive | no answer   | unknown: the silent one may hold the address                       |
  /// | no answer | no answer | unknown                                                            |
  public static func decide(
    vip: VIPID, answers: [(node: NodeID, role: Result<Role, Failure>)]
  ) -> ActiveVerdict {
    var active: [NodeID] = []
    var passive: [NodeID] = []
    var silent: [Failure] = []
    for answer in answers {
      switch answer.role {
      case .success(.active): active.append(answer.node)
      case .success(.passive): passive.append(answer.node)
      case .success(.unknown(let text)): silent.append(Failure(.roleUnknown, text, node: answer.node))
      case .failure(var failure):
        failure.node = answer.node
        silent.append(failure)
      }
    }
    if active.count > 1 {
      let nodes = active.map(\.rawValue).joined(separator: " and ")
      return .splitBrain(Failure(.splitBrain, "\(nodes) both say that they are active for \(vip)"))
    }
    if let node = active.first {
      if let failure = silent.first { return .active(node, peer: .unreachable(failure)) }
      return .active(node, peer: passive.isEmpty ? .absent : .passive)
    }
    if let failure = silent.first {
      guard let quiet = passive.first else { return .unknown(failure) }
      return .unknown(
        Failure(
          failure.kind == .roleUnknown ? .roleUnknown : .noActiveNode,
          "\(quiet) says that it is passive for \(vip), and its peer cannot be asked: \(failure.detail)",
          node: failure.node))
    }
    let nodes = passive.map(\.rawValue).joined(separator: " and ")
    return .none(Failure(.noActiveNode, "\(nodes) each say passive for \(vip)"))
  }
}
