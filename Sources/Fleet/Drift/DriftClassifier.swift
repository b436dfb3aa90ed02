public import Foundation

/// Compares what was seen with what was proved there before, and names the difference.
public enum DriftClassifier {
  /// What a look is judged by.
  public struct Standard: Sendable {
    /// What should be there.
    public var expected: ExpectedLeaf
    /// All that this journal ever issued for the place.
    public var own: OwnLeaves
    /// What the node says of another controller that wrote there last, if it does.
    public var otherController: String?

    /// Collects the parts.
    public init(expected: ExpectedLeaf, own: OwnLeaves, otherController: String? = nil) {
      self.expected = expected
      self.own = own
      self.otherController = otherController
    }
  }

  /// What differs at one termination of a node; nil where nothing does as far as could be seen.
  ///
  /// The disk is judged first: it is what the next restart reads. Then the list, memory, and the wire.
  public static func drift(_ seen: NodeSighting, _ standard: Standard, at now: Date) -> Drift? {
    switch seen.disk {
    case .notAsked: break
    case .nothing:
      return isInUse(seen, standard)
        ? Drift(.notOnDisk, "its file is gone; the running process still has it until its next reload")
        : Drift(.missing, shown(seen.wire, otherwise: "there is no file"))
    case .leaf(let leaf) where !leaf.isSame(as: standard.expected.leaf):
      return foreign(leaf, "the file holds", standard, at: now)
    case .leaf: break
    }
    if seen.listing == .missing {
      return Drift(
        .notListed,
        isInUse(seen, standard)
          ? "no line of the list names its file; it is in use until the next reload"
          : "no line of the list names its file, and it is not in use")
    }
    switch seen.memory {
    case .notAsked: break
    case .nothing: return Drift(.notLoaded, "the running process does not hold it")
    case .unused: return Drift(.notLoaded, "the running process holds it, but no listener uses it")
    case .leaf(let leaf) where !leaf.isSame(as: standard.expected.leaf):
      return foreign(leaf, "the running process holds", standard, at: now)
    case .leaf: break
    }
    return drift(onWire: seen, standard, at: now)
  }

  private static func drift(onWire seen: NodeSighting, _ standard: Standard, at now: Date) -> Drift? {
    if case .nothing = seen.wire { return Drift(.notLoaded, "the listener shows no certificate for the name") }
    guard case .leaf(let leaf) = seen.wire, !leaf.isSame(as: standard.expected.leaf) else { return nil }
    guard case .leaf = seen.disk else { return foreign(leaf, "the listener shows", standard, at: now) }
    // What memory is asked for and has right is hidden by something else; a process that cannot be asked may just not have been reloaded.
    if case .leaf = seen.memory { return shadow(leaf) }
    return standard.own.hold(leaf) ? foreign(leaf, "the listener shows", standard, at: now) : shadow(leaf)
  }

  /// What differs at the VIP: what visitors get. Its class is that of the node that holds it, which knows why.
  ///
  /// - Parameter active: the drift of the active node; nil where that one is well or nothing is known of it.
  public static func drift(
    atVIP wire: NodeSighting.Wire, _ standard: Standard, active: Drift?, at now: Date
  ) -> Drift? {
    if case .nothing = wire { return Drift(active?.kind ?? .notLoaded, "visitors get no certificate for the name") }
    guard case .leaf(let leaf) = wire, !leaf.isSame(as: standard.expected.leaf) else { return nil }
    let words = "visitors get \(leaf.words)"
    if let active { return Drift(active.kind, seen: leaf, words) }
    guard standard.own.hold(leaf) else { return Drift(.shadowed, seen: leaf, words) }
    return foreign(leaf, "visitors get", standard, at: now)
  }

  private static func isInUse(_ seen: NodeSighting, _ standard: Standard) -> Bool {
    if case .leaf(let leaf) = seen.wire { return leaf.isSame(as: standard.expected.leaf) }
    if case .leaf(let leaf) = seen.memory { return leaf.isSame(as: standard.expected.leaf) }
    return false
  }

  private static func foreign(_ leaf: SeenLeaf, _ verb: String, _ standard: Standard, at now: Date) -> Drift {
    let words = "\(verb) \(leaf.words)"
    guard standard.own.hold(leaf) else {
      guard let other = standard.otherController else { return Drift(.replaced, seen: leaf, words) }
      return Drift(.otherController, seen: leaf, "\(words); \(other)")
    }
    // The lifetime of what was seen is not told everywhere: it is taken to be that of its successor.
    let isEnding = leaf.notAfter.map {
      $0.timeIntervalSince(now) < standard.expected.dangerSeconds && $0 < standard.expected.notAfter
    }
    return Drift(isEnding == true ? .expiring : .reverted, seen: leaf, "\(words), an earlier one of ours")
  }

  private static func shadow(_ leaf: SeenLeaf) -> Drift {
    Drift(.shadowed, seen: leaf, "the file is right, yet the listener shows \(leaf.words)")
  }

  private static func shown(_ wire: NodeSighting.Wire, otherwise words: String) -> String {
    if case .leaf(let leaf) = wire { return "\(words), and the listener shows \(leaf.words)" }
    return words
  }
}
