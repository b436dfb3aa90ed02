public import Foundation

/// A fact about one certificate, node or pair: a value in the journal and the report, never just text. The sweep goes on.
public struct Failure: Error, Sendable, Equatable, Codable {
  /// What went wrong; decides advice, loudness and retry.
  public var kind: Kind
  /// The evidence, as the CA, the node or DNS put it. Hostile text: printed only through `Printable`.
  public var detail: String
  /// The name it is about, where it is about one.
  public var name: String?
  /// The node it is about, where it is about one.
  public var node: NodeID?
  /// Where the CA said when to come back.
  public var retryAfter: Date?
  /// Further names of the same certificate that failed too, each of which the CA counts; nil where there are none, as in older journals.
  public var alsoFailed: [String]?

  /// Collects the parts.
  public init(
    _ kind: Kind, _ detail: String, name: String? = nil, node: NodeID? = nil, retryAfter: Date? = nil,
    alsoFailed: [String]? = nil
  ) {
    self.kind = kind
    self.detail = detail
    self.name = name
    self.node = node
    self.retryAfter = retryAfter
    self.alsoFailed = alsoFailed
  }

  /// All names that failed.
  public var names: [String] { (name.map { [$0] } ?? []) + (alsoFailed ?? []) }

  /// The closed set of causes. The raw values stand in the journal and in metrics: never rename one.
  public enum Kind: String, Sendable, Codable, CaseIterable {
    // What the customer's DNS or web server does.
    case nameNotFound, wrongAddress, strayIPv6Address, dnsBroken, caaForbids, port80Closed, wrongAnswer, anotherPair
    case redirectAway, challengeFailed
    // What our own load balancer does.
    case vipAnswersWrongly
    // What the CA says.
    case rateLimited, paused, authorityBusy, authorityRefused, nameRefused, authorityUnreachable, accountGone
    case authorityFailing
    case orderLost, badCertificate
    // The way to a node.
    case nodeUnreachable, hostKeyUnknown, hostKeyChanged, loginRefused, noCommonAlgorithm
    // The pair.
    case noActiveNode, splitBrain, roleUnknown, failedOver
    // Work on a node.
    case keyNotMade, keyLost, tunnelRefused, stageRefused, configRefused, reloadRefused, servesOldCertificate
    case notSeen
    case diskFull, changedByHand, linkInPlace, wouldBeDefault, nodeCannotRestart, toolMissing, fenced
    // What is served.
    case listenerDead
    // What a person asked for.
    case rolledBack
    // Our own.
    case interrupted, internalError
  }
}
