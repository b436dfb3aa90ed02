public import Foundation

/// Which batches go onto their pairs now.
extension Dispatcher {
  mutating func rollouts(at now: Date) -> [Work] {
    var works: [Work] = []
    closed = nil
    ripeAt = nil
    for pair in deployments.keys.sorted() where !rollingOut.contains(pair) && !pairLooks.holds(pair) {
      guard let order = rollout(of: pair, at: now) else { continue }
      rollingOut.insert(pair)
      for item in order.items { waitingSince[item] = nil }
      works.append(.rollOut(order))
    }
    if waiting == nil { waiting = closed }
    return works
  }

  /// Whether the pair's windows and freezes let this certificate go now; where they will soon, the run waits for that.
  private mutating func isOpen(_ item: AttemptReference, _ pair: Pair, at now: Date) -> Bool {
    guard pair.maintenance != .always else { return true }
    let isInDanger = state.certificates[item.spec]?.isInDanger(at: now) == true
    guard let opens = pair.maintenance.opens(from: now, isInDanger: isInDanger) else { return false }
    guard opens > now else { return true }
    ripeAt = min(ripeAt ?? opens, opens)
    if opens.timeIntervalSince(now) <= Self.windowPatience, opens < closed?.until ?? .distantFuture {
      closed = Waiting(until: opens, boundBy: .closed(pair.id))
    }
    return false
  }

  /// A run waits for tonight's window; what opens later is left for the run that is started then.
  static let windowPatience = 12.0 * 3_600

  /// The one batch of a pair that may start now: what a returned node owes goes first.
  private mutating func rollout(of id: PairID, at now: Date) -> RolloutOrder? {
    guard let pair = pairs[id], let survey = standings[id]?.survey, let targets = deployments[id] else { return nil }
    // What has no leave yet comes only while the run still hands out leaves, and something is going on that ends.
    let mayStillStart = !(issuable[id] ?? []).isEmpty && !issuing.isEmpty && waiting == nil && leavesLeft > 0
    let moreIsComing = (issuing.values.contains(id) || mayStillStart) && !isStopping
    for target in targets.keys.sorted(by: { Self.rank($0) < Self.rank($1) }) {
      let items = (targets[target] ?? []).filter {
        isTouchable($0, target, pair, survey, at: now) && isOpen($0, pair, at: now)
      }
      let oldest = items.compactMap { waitingSince[$0] }.min() ?? now
      // A debt waits for no company: whoever owes must not take part in anything new before.
      let isDebt = target != .pair && !items.isEmpty
      guard
        isDebt
          || batches.starts(waiting: items.count, oldestAge: now.timeIntervalSince(oldest), moreIsComing: moreIsComing)
      else {
        let ripe = oldest.addingTimeInterval(Double(batches.seconds))
        if !items.isEmpty { ripeAt = min(ripeAt ?? ripe, ripe) }
        continue
      }
      // What a node refused before does not join the others: it goes after them, with its like.
      let sound = items.filter { !isSuspect($0) }
      let batch = Array((sound.isEmpty ? items : sound).sorted(by: isMoreUrgent).prefix(batches.size))
      deployments[id]?[target]?.subtract(batch)
      let nodes = survey.rolloutOrder(of: pair.nodes.map(\.id))
      switch target {
      case .node(let node):
        return RolloutOrder(id: random.id("r"), pair: id, items: batch, first: node, second: nil, owing: nil)
      case .pair:
        guard let first = nodes.first else { return nil }
        return RolloutOrder(
          id: random.id("r"), pair: id, items: batch, first: first, second: nodes.dropFirst().first,
          owing: pair.nodes.map(\.id).first { survey.unreachable[$0] != nil })
      }
    }
    return nil
  }

  /// Whether a rollout of this certificate failed before, for a reason of its own.
  private func isSuspect(_ item: AttemptReference) -> Bool {
    guard let failure = state.certificates[item.spec]?.lastFailure else { return false }
    return failure.kind.retry == .backOff
  }

  private static func rank(_ target: BatchTarget) -> String {
    switch target {
    case .node(let node): "0" + node.rawValue
    case .pair: "1"
    }
  }

  private func isMoreUrgent(_ left: AttemptReference, _ right: AttemptReference) -> Bool {
    let ends = [left, right].map { state.certificates[$0.spec]?.servedNotAfter ?? .distantFuture }
    return (ends[0], left.spec) < (ends[1], right.spec)
  }

  /// A dead peer delays a certificate until its danger line, unless the pair says `degraded: deploy`.
  private func isTouchable(
    _ item: AttemptReference, _ target: BatchTarget, _ pair: Pair, _ survey: PairSurvey, at now: Date
  ) -> Bool {
    guard let certificate = state.certificates[item.spec], certificate.issuedReference == item,
      !state.isPaused(pair.id, at: now), case .node = survey.node(activeFor: certificate.spec.vip)
    else { return false }
    if case .node(let node) = target { return survey.unreachable[node] == nil }
    guard !survey.unreachable.isEmpty else { return true }
    guard survey.unreachable.count < pair.nodes.count else { return false }
    switch pair.degraded {
    case .deploy: return true
    case .waitUntilDanger: return certificate.isInDanger(at: now)
    }
  }
}

extension CertificateState {
  /// Whether the certificate that the VIP serves is past its danger line, so that even half a pair is better than waiting.
  public func isInDanger(at now: Date) -> Bool {
    servedDangerAt.map { now >= $0 } ?? false
  }
}

extension PaceSettings {
  /// Attempts under way: keys are made on the nodes ahead of the orders, so that the CA never waits for a key.
  public var attemptsInFlight: Int { ordersInFlight * 3 }
}
