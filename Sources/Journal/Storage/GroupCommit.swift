import Fleet
import Foundation

/// What one caller wants to be recorded, all of it or nothing.
struct AppendRequest: Sendable {
  var events: [CodedEvent]
  var sweep: SweepID?
  /// Whole seconds since 1970.
  var at: Int64
  var buckets: [BucketRow] = []
  var mail: QueuedMail?
}

/// Gathers what is asked for at the same time into one transaction, because each transaction costs a flush to disk of some milliseconds
/// and hundreds of attempts record their steps at once.
///
/// There is no writer task: the first caller commits for itself, those that come meanwhile wait, and the first of them then commits for all of
/// them. So one caller alone waits for nobody, and a thousand wait for two flushes.
actor GroupCommit {
  typealias Answer = Result<[Fleet.Record], JournalError>

  private enum Turn {
    case answered(Answer)
    case lead
  }

  private let commit: @Sendable ([AppendRequest]) async -> [Answer]
  private var waiting: [(request: AppendRequest, caller: CheckedContinuation<Turn, Never>)] = []
  private var isCommitting = false

  init(commit: @escaping @Sendable ([AppendRequest]) async -> [Answer]) { self.commit = commit }

  /// Records the request; cancelling the caller's task does not stop it, for what was done must be recorded.
  func append(_ request: AppendRequest) async throws(JournalError) -> [Fleet.Record] {
    if isCommitting {
      let turn = await withCheckedContinuation { waiting.append((request, $0)) }
      switch turn {
      case .answered(let answer): return try answer.get()
      case .lead: break
      }
    }
    // A caller that was told to lead finds `isCommitting` set: nobody came between.
    isCommitting = true
    let followers = waiting
    waiting = []
    let answers = await commit([request] + followers.map(\.request))
    if waiting.isEmpty { isCommitting = false } else { waiting.removeFirst().caller.resume(returning: .lead) }
    for (follower, answer) in zip(followers, answers.dropFirst()) {
      follower.caller.resume(returning: .answered(answer))
    }
    return try answers[0].get()
  }
}
