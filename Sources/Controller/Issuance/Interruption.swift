import Fleet
import Journal

/// Why a piece of work did not come to its good end: a fact about a name or a node, or the journal's own failure, which stops the sweep.
enum Interruption: Error {
  case failed(Failure)
  /// The attempt stays open as the journal has it, and is gone on with later.
  case left(Failure)
  case journal(JournalError)
}
