import Fleet
import Journal

/// Why a piece of work did not come to its good end: a fact about a name or a node, or the journal's own failure, which stops the sweep.
enum Interruption: Error {
  case failed(Failure)
  case journal(JournalError)
}
