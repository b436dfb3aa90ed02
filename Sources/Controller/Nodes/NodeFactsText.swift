import Appliance
import Fleet
import Foundation

extension Nonce {
  /// A nonce that nobody can guess, so that no text of the node can pass for our marker.
  static func fresh() -> Nonce { Nonce(.random(in: .min ... .max), .random(in: .min ... .max)) }
}

extension NodeFacts {
  /// The facts as the journal keeps them: without the moment and the clock, which would make every survey an event.
  var journalText: String? {
    var lasting = self
    lasting.surveyedAt = Date(timeIntervalSince1970: 0)
    lasting.clockSkew = nil
    lasting.freeKiB = nil
    lasting.leftovers = nil
    lasting.oldKeys = nil
    lasting.marks = nil
    for index in lasting.terminations.indices { lasting.terminations[index].loadMilliseconds = nil }
    let encoder = JSONEncoder()
    encoder.outputFormatting = .sortedKeys
    do {
      return String(decoding: try encoder.encode(lasting), as: UTF8.self)
    } catch {
      return nil
    }
  }

  /// What an operator must hear about a node that answers: it cannot be worked with, or it would not come up again.
  func alarm(on node: Node) -> Failure? {
    if let lack = Survey.missing(self, on: node).first(where: \.isFatal) { return lack.failure(node: node.id) }
    for termination in terminations where termination.configurationPasses == false {
      return Failure(
        .nodeCannotRestart, termination.complaint ?? "its own check refuses its configuration", node: node.id)
    }
    return nil
  }

  /// Why the node counts as broken, if it does.
  func fatalLack(on node: Node) -> Failure? {
    Survey.missing(self, on: node).first(where: \.isFatal)?.failure(node: node.id)
  }
}
