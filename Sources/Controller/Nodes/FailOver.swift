import Fleet

extension PairSession {
  /// A validation that failed while the VIP moved says nothing of the name.
  func failedOver(since holder: ActiveNode, for vip: VIPID, _ cause: Failure) async -> Failure? {
    guard case .node(let before) = holder, cause.kind.loudness == .customer else { return nil }
    let now = await activeNode(for: vip, atMost: 1)
    if case .node(before) = now { return nil }
    let place = if case .node(let node) = now { "to \(node)" } else { "and nobody holds the VIP now" }
    return Failure(
      .failedOver, "the pair failed over from \(before) \(place) while the CA looked: \(cause.detail)",
      name: cause.name,
      alsoFailed: cause.alsoFailed)
  }
}
