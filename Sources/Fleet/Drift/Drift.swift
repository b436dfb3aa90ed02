public import Foundation

/// What a place shows or holds instead of the certificate that was proved there.
public struct Drift: Sendable, Equatable, Codable {
  /// How it differs.
  public var kind: Kind
  /// What lies or is served there; nil where nothing does.
  public var seen: SeenLeaf?
  /// What was seen, in a sentence: hostile text.
  public var detail: String

  /// Collects the parts.
  public init(_ kind: Kind, seen: SeenLeaf? = nil, _ detail: String) {
    self.kind = kind
    self.seen = seen
    self.detail = detail
  }

  /// The classes of drift. The raw values stand in the journal: never rename one.
  public enum Kind: String, Sendable, Codable, CaseIterable {
    /// A certificate that this journal never issued lies there.
    case replaced
    /// The same, and the node says that another controller put it there.
    case otherController
    /// An earlier certificate of ours is back: a reload, a restart, a restored disk.
    case reverted
    /// An earlier certificate of ours is served, it is past its danger line, and it was renewed.
    case expiring
    /// Neither file nor use.
    case missing
    /// In use, but the file is gone: the next reload ends it.
    case notOnDisk
    /// The file is there, but no line of the list or of the configuration names it.
    case notListed
    /// File and line are right, but the running process does not hold it.
    case notLoaded
    /// File and memory are right, but the listener shows another certificate for the names.
    case shadowed

    /// A short title under which equal drift is grouped.
    public var title: String {
      switch self {
      case .replaced: "replaced by another certificate"
      case .otherController: "replaced by another controller"
      case .reverted: "an earlier certificate is back"
      case .expiring: "an old certificate is about to expire although it was renewed"
      case .missing: "certificate missing on the node"
      case .notOnDisk: "in use, but its file is gone"
      case .notListed: "in use or on the disk, but no longer in the list"
      case .notLoaded: "on the disk, but not in use"
      case .shadowed: "another file is served instead"
      }
    }
  }

  /// Whether a look that found `other` found nothing new.
  public func isSame(as other: Drift) -> Bool {
    guard kind == other.kind else { return false }
    guard let seen, let theirs = other.seen else { return self.seen == nil && other.seen == nil }
    return seen.isSame(as: theirs)
  }
}

/// Where a certificate is looked at: a node of its pair, or its VIP.
public struct DriftPlace: Sendable, Hashable, Comparable, Codable, CustomStringConvertible {
  /// The node's id, or `@vip`, which no inventory can hold as an id.
  public let rawValue: String

  /// The VIP of the certificate.
  public static let vip = DriftPlace(rawValue: "@vip")

  /// A node.
  public static func node(_ id: NodeID) -> DriftPlace { DriftPlace(rawValue: id.rawValue) }

  /// Takes what is stored.
  public init(rawValue: String) { self.rawValue = rawValue }

  /// Reads the stored text.
  public init(from decoder: any Decoder) throws {
    rawValue = try decoder.singleValueContainer().decode(String.self)
  }

  /// Writes the stored text.
  public func encode(to encoder: any Encoder) throws {
    var container = encoder.singleValueContainer()
    try container.encode(rawValue)
  }

  /// The node, where it is one.
  public var node: NodeID? { self == .vip ? nil : NodeID(rawValue) }

  /// For people.
  public var description: String { self == .vip ? "VIP" : rawValue }

  /// Nodes by id, the VIP last.
  public static func < (left: DriftPlace, right: DriftPlace) -> Bool {
    (left == .vip ? 1 : 0, left.rawValue) < (right == .vip ? 1 : 0, right.rawValue)
  }
}

/// Drift at one place of one certificate: what stands now, and when the last one ended.
public struct DriftState: Sendable, Equatable, Codable {
  /// What differs now; nil while all is well.
  public var current: Drift?
  /// Since when; of an ended one, since when it had been there.
  public var since: Date
  /// The sweep in which it was first seen, or seen to have become another.
  public var sweep: SweepID?
  /// When the last one ended.
  public var endedAt: Date?
  /// Whether drift ended here less than seven days before this one began: somebody puts it back again and again.
  public var isRepeated: Bool

  /// Collects the parts.
  public init(
    current: Drift?, since: Date, sweep: SweepID? = nil, endedAt: Date? = nil, isRepeated: Bool = false
  ) {
    self.current = current
    self.since = since
    self.sweep = sweep
    self.endedAt = endedAt
    self.isRepeated = isRepeated
  }

  /// A second drift this soon after the first is reported only: two controllers must not reload against each other.
  public static let repeatSeconds = 7 * 86_400.0
}

extension CertificateState {
  /// What differs now, nodes by id, the VIP last.
  public var standingDrift: [(place: DriftPlace, state: DriftState, drift: Drift)] {
    guard !drifts.isEmpty else { return [] }
    return drifts.sorted { $0.key < $1.key }.compactMap { place, state in
      state.current.map { (place, state, $0) }
    }
  }

  mutating func see(_ drift: Drift, at place: DriftPlace, _ record: Record) {
    let old = drifts[place]
    var new = DriftState(current: drift, since: record.at, sweep: record.sweep, endedAt: old?.endedAt)
    if let old, let known = old.current {
      // It was there before and became another: the clock goes on, the news is new.
      new.since = old.since
      new.isRepeated = old.isRepeated
      if known.kind == drift.kind { new.sweep = old.sweep }
    } else if let ended = old?.endedAt {
      new.isRepeated = record.at.timeIntervalSince(ended) < DriftState.repeatSeconds
    }
    drifts[place] = new
  }

  mutating func endDrift(at place: DriftPlace, _ record: Record) {
    guard drifts[place]?.current != nil else { return }
    drifts[place]?.current = nil
    drifts[place]?.sweep = record.sweep
    drifts[place]?.endedAt = record.at
  }
}
