public import Fleet
import Foundation

/// What an operator's rollback did on each node, and what it left as it was.
public struct RollbackReport: Sendable, Encodable {
  /// What reloading cost the nodes, in the order of the work.
  public var reloads: [NodeReload] = []
  /// One line for each certificate and node, in the order of the work.
  public var lines: [Line] = []
  /// Nodes that could not be worked with.
  public var nodes: [NodeTrouble] = []
  /// Certificates that the VIP does not show as it should now, and what it shows.
  public var vips: [VIPTrouble] = []

  /// Adds what was done on another pair.
  mutating func add(_ other: RollbackReport) {
    lines += other.lines
    reloads += other.reloads
    nodes += other.nodes
    vips += other.vips
  }

  /// What became of one certificate on one node.
  public struct Line: Sendable, Encodable {
    /// The certificate.
    public var spec: SpecID
    /// The node.
    public var node: NodeID
    /// What became of it.
    public var outcome: Outcome
    /// The serial of the certificate that is in use again, or that was to be.
    public var serial: String?
    /// How it is known, or why it was not done.
    public var detail: String
  }

  /// What became of one certificate on one node.
  public enum Outcome: String, Sendable, Encodable {
    /// The previous one is in use again, proved.
    case putBack
    /// It was in use already.
    case unchanged
    /// Nothing was touched.
    case refused
    /// It was tried, and it is not proved that the previous one is in use.
    case failed
  }

  /// A node that reloaded.
  public struct NodeReload: Sendable, Encodable {
    /// The node.
    public var node: NodeID
    /// What it took.
    public var reload: Reload
  }

  /// A node that could not be worked with.
  public struct NodeTrouble: Sendable, Encodable {
    /// The node.
    public var node: NodeID
    /// Why.
    public var failure: Failure
  }

  /// A VIP that shows another certificate.
  public struct VIPTrouble: Sendable, Encodable {
    /// The certificate.
    public var spec: SpecID
    /// Its VIP.
    public var vip: VIPID
    /// What was seen.
    public var detail: String
  }

  /// Whether every certificate that was asked for is in use again on every node and its VIP.
  public var isWhole: Bool {
    nodes.isEmpty && vips.isEmpty && lines.allSatisfy { $0.outcome == .putBack || $0.outcome == .unchanged }
  }

  /// For people; certificates of the same fate on a node are one line, unless every one is wanted.
  public func text(isVerbose: Bool) -> String {
    var table = TextTable("certificate", "node", "result", "serial", "")
    let rows = isVerbose ? lines.map { [$0] } : groups.flatMap { $0.count > 3 ? [$0] : $0.map { [$0] } }
    for group in rows {
      guard let first = group.first else { continue }
      let more = group.count > 1 ? " and \(Wording.grouped(group.count - 1)) more" : ""
      let serial = group.count > 1 ? "-" : first.serial ?? "-"
      table.add(first.spec.rawValue + more, first.node.rawValue, words(first.outcome), serial, first.detail)
    }
    var text = table.lines
    if rows.count < lines.count { text += ["", "-v shows every certificate with its serial."] }
    if !reloads.isEmpty { text += [""] + reloads.map { "\($0.node): \($0.reload.words)" } }
    for trouble in nodes {
      text += [
        "",
        "\(trouble.node) was not touched: \(trouble.failure.kind.title): \(Printable.terminal(trouble.failure.detail))",
        "  -> \(trouble.failure.kind.advice) Then say rollback again: what is done stays done.",
      ]
    }
    for trouble in vips {
      text += [
        "", "VIP \(trouble.vip) does not show the previous \(trouble.spec): \(Printable.terminal(trouble.detail))",
      ]
    }
    if lines.contains(where: { $0.outcome == .putBack }) {
      text += ["", "What was put back stays until certfleet retry NAME, or until it nears its end."]
    }
    return text.joined(separator: "\n")
  }

  /// Neighbours that met the same on the same node.
  private var groups: [[Line]] {
    lines.reduce(into: []) { groups, line in
      if let last = groups.last?.last, last.node == line.node, last.outcome == line.outcome, last.detail == line.detail
      {
        groups[groups.count - 1].append(line)
      } else {
        groups.append([line])
      }
    }
  }

  private func words(_ outcome: Outcome) -> String {
    switch outcome {
    case .putBack: "put back"
    case .unchanged: "was already in use"
    case .refused: "refused"
    case .failed: "FAILED"
    }
  }
}
