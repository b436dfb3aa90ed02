public import Foundation

/// Whose clock is wrong: ours, where two answers of the CA and most nodes disagree with it in the same way.
///
/// A controller whose clock is days ahead finds everything due, and what it was just given as well.
public struct ClockReview: Sendable, Equatable, Codable {
  /// Seconds that the CA's clock was ahead of ours, by its last two answers.
  public private(set) var authority: [Double] = []
  /// Seconds that each node's clock was ahead of ours.
  public private(set) var nodes: [NodeID: Int] = [:]

  /// Beyond this it is said.
  static let told = 300.0
  /// Beyond this only what is in danger is ordered.
  static let stops = 3_600.0

  /// Nobody has said anything yet.
  public init() {}

  /// An answer of the CA has a Date.
  public mutating func heard(authority skew: Double) { authority = (authority + [skew]).suffix(2) }

  /// A node told its time.
  public mutating func heard(_ skews: [NodeID: Int]) { nodes.merge(skews) { $1 } }

  /// Seconds by which the CA's clock is ahead of ours, where its last two answers agree on a difference that counts.
  public var authoritySkew: Double? {
    guard authority.count == 2, authority.allSatisfy({ abs($0) > Self.told }),
      abs(authority[0] - authority[1]) <= Self.told
    else { return nil }
    return authority[1]
  }

  /// Seconds by which true time is ahead of ours, where our clock is wrong; nil where it is not, or nobody can say.
  public var error: Double? {
    guard let skew = authoritySkew else { return nil }
    // A node's clock alone is a word about that node; most of them beside the CA's are one about ours.
    let agreeing = nodes.values.count { abs(Double($0)) > Self.told && ($0 > 0) == (skew > 0) }
    return nodes.isEmpty || agreeing * 2 > nodes.count ? skew : nil
  }

  /// True time, as far as it is known.
  public func trueTime(at now: Date) -> Date { now.addingTimeInterval(error ?? 0) }

  /// Whether an order may be made by this clock for what is served until a moment and in danger from another.
  func allowsOrder(dangerAt: Date?, at now: Date) -> Bool {
    guard let error, abs(error) > Self.stops else { return true }
    return dangerAt.map { $0 <= trueTime(at: now) } ?? false
  }

  /// Whether orders are held back.
  public var stopsOrders: Bool { error.map { abs($0) > Self.stops } ?? false }

  /// What is to be said about it; nil where all agree.
  public var title: String? {
    if let error {
      let way = error < 0 ? "ahead of" : "behind"
      let beside = nodes.isEmpty ? "" : " and of \(agreeingCount) of \(Wording.count(nodes.count, "node"))"
      return "This machine's clock is \(Wording.span(abs(error))) \(way) the CA's\(beside)"
        + (stopsOrders ? ": only certificates in danger are ordered, once each" : "")
    }
    guard let skew = authoritySkew else { return nil }
    return
      "The CA's clock is \(Wording.span(abs(skew))) \(skew > 0 ? "ahead of" : "behind") this machine's and the nodes'"
  }

  private var agreeingCount: Int {
    nodes.values.count { abs(Double($0)) > Self.told && ($0 < 0) == ((error ?? 0) < 0) }
  }

  /// What to do.
  public static let advice =
    "Set this machine's clock (NTP), then run certfleet again. Nothing is due because of a wrong clock."
}
