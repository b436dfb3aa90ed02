extension FleetState {
  /// A certificate with another id, VIP or pair that is at the same place: all that is known of it goes along.
  mutating func move(_ from: SpecID, to spec: CertificateSpec) {
    guard from == spec.id || certificates[spec.id] == nil, var certificate = certificates.removeValue(forKey: from)
    else { return change(to: spec) }
    // The place is the same: what is served and installed there stays true.
    certificate.spec.pair = spec.pair
    certificate.spec.vip = spec.vip
    certificate.spec.id = spec.id
    certificate.attempt = certificate.attempt?.moved(to: spec.id)
    certificates[spec.id] = certificate
    change(to: spec)
  }

  /// A pair with another id.
  mutating func move(_ from: PairID, to pair: PairID) {
    guard let state = pairs.removeValue(forKey: from) else { return }
    if pairs[pair] == nil { pairs[pair] = state }
  }

  /// A node with another id: its host keys, and what these certificates know of it.
  mutating func move(_ from: NodeID, to node: NodeID, of specs: [SpecID]) {
    if let state = nodes.removeValue(forKey: from), nodes[node]?.hostKeys.isEmpty ?? true { nodes[node] = state }
    for spec in specs { certificates[spec]?.rename(from, to: node) }
  }
}

extension CertificateState {
  /// Whether anything that is known of it names this node.
  public func mentions(_ node: NodeID) -> Bool {
    keyNode == node || installations[node] != nil || possibleLeaves[node] != nil || attempt?.key?.node == node
      || drifts[.node(node)] != nil
  }

  fileprivate mutating func rename(_ from: NodeID, to node: NodeID) {
    if keyNode == from { keyNode = node }
    if let installation = installations.removeValue(forKey: from), installations[node] == nil {
      installations[node] = installation
    }
    if let leaves = possibleLeaves.removeValue(forKey: from) {
      possibleLeaves[node] = leaves + (possibleLeaves[node] ?? []).filter { !leaves.contains($0) }
    }
    if let drift = drifts.removeValue(forKey: .node(from)), drifts[.node(node)] == nil { drifts[.node(node)] = drift }
    attempt?.rename(from, to: node)
  }
}
