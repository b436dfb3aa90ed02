import Appliance
import Fleet
import Journal

/// Knows whose marks may lie on nodes, and has this controller's left there: recorded first, then written.
actor MarkKeeper {
  private let controller: String
  private let recorder: Recorder
  /// Marks that were found by a survey of this process, and judged to be known.
  private var found: [NodeID: Set<AcceptedMark>] = [:]
  /// What this process leaves on each node until it is renewed, recorded before it is written.
  private var own: [NodeID: NodeMark] = [:]

  init(controller: String, recorder: Recorder) {
    self.controller = controller
    self.recorder = recorder
  }

  /// The next touch of these nodes leaves a new mark: each rollout has its own, so that a journal restored from before it shows.
  func renew(on nodes: [NodeID]) { for node in nodes { own[node] = nil } }

  /// Judges the marks that a survey found on a node.
  ///
  /// - Returns: why nothing may be written there; nil where this journal knows who worked there last.
  func judge(_ marks: [NodeMark], on node: NodeID) throws(JournalError) -> Failure? {
    for mark in marks {
      guard try recorder.journal.knows(mark) else {
        let reason = mark.refusal(own: controller, head: try recorder.journal.head().sequence)
        return Failure(.fenced, "\(node): \(reason)", node: node)
      }
      found[node, default: []].insert(AcceptedMark(node: node, controller: mark.controller, word: mark.word))
    }
    return nil
  }

  /// A script that changes something looks once more for marks of others, under the node's lock, and leaves ours.
  func guarded(_ script: RemoteScript, on node: Node) async throws(Failure) -> RemoteScript {
    guard script.isChange else { return script }
    do throws(JournalError) {
      let new = try await mark(for: node.id)
      let known = try recorder.journal.newestMarks(on: node.id)
      let seen = (found[node.id] ?? []).sorted { $0.word < $1.word }
      return script.guarded(by: MarkGuard(controller: controller, known: known + seen, new: new), on: node)
    } catch {
      throw Failure(.interrupted, "the mark could not be recorded: \(error.description)", node: node.id)
    }
  }

  private func mark(for node: NodeID) async throws(JournalError) -> NodeMark {
    if let known = own[node] { return known }
    var mark = NodeMark(controller: controller, position: 0, word: Nonce.fresh().text)
    // Another touch that comes while this one is recorded draws a word of its own: both are known then.
    let records = try await recorder.record(
      returning: [.marked(node: node, controller: controller, word: mark.word)])
    mark.position = records.last?.sequence ?? 0
    own[node] = mark
    return mark
  }
}
