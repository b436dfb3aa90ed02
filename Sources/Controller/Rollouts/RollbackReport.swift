public import Fleet
import Foundation

/// What an operator's rollback did on each node, and what it left as it was.
public struct RollbackReport: Sendable, Encodable {
  /// One line for each certificate and node, in the order of the work.
  public var lines: [Line] = []
  /// Nodes that could not be worked with.
  public var nodes: [NodeTrouble] = []
  /// Certificates that the VIP does not show as it should now, and what it shows.
  public var vips: [VIPTrouble] = []

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

  /// For people.
  public var text: String {
    var table = TextTable("certificate", "node", "result", "serial", "")
    for line in lines {
      table.add(line.spec.rawValue, line.node.rawValue, words(line.outcome), line.serial ?? "-", line.detail)
    }
    var text = table.lines
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

  private func words(_ outcome: Outcome) -> String {
    switch outcome {
    case .putBack: "put back"
    case .unchanged: "was already in use"
    case .refused: "refused"
    case .failed: "FAILED"
    }
  }
}
