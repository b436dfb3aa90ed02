/// What a controller leaves beside the certificates of a node: who worked here last, and how far its journal was.
///
/// The word is drawn anew at each touch and recorded before it is written. So a mark whose word the journal knows was left by this journal,
/// however long ago; any other was left by another controller, or by a later state of this journal that was lost.
public struct NodeMark: Sendable, Hashable, Codable {
  /// The controller that left it.
  public var controller: String
  /// The newest event of its journal then.
  public var position: Int64
  /// Drawn for this touch.
  public var word: String

  /// Collects the parts.
  public init(controller: String, position: Int64, word: String) {
    self.controller = controller
    self.position = position
    self.word = word
  }

  /// The name of its file, in the directory that holds the certificates: HAProxy's `crt DIR` and stunnel pass over names that begin with a dot.
  public static let fileName = ".certfleet.mark"

  /// Why this controller must not work on the node, where the journal does not know the mark.
  ///
  /// - Parameters:
  ///   - own: this controller's id.
  ///   - head: the newest event of this journal.
  public func refusal(own: String, head: Int64) -> String {
    if controller != own {
      return "controller \(Printable.short(controller)) worked on it, up to event \(position) of its own journal"
    }
    return position > head
      ? "this journal ends at event \(head), but this controller was at event \(position) when it worked on it last: an older journal was restored"
      : "this controller worked on it at event \(position), which this journal does not know: an older journal was restored"
  }
}
