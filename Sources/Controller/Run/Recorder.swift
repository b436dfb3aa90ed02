import Fleet
public import Foundation
import Journal

/// Record, then believe: what happened goes into the journal, and only then to the loop that decides.
struct Recorder: Sendable {
  let journal: JournalStore
  /// The run that records; nil for what people said.
  let sweep: SweepID?
  let clock: any TimeSource
  let believe: @Sendable ([Record]) -> Void

  /// Records the events in one transaction, with the buckets that moved because of them.
  ///
  /// - Throws: `JournalError`, the one error that stops a sweep: what cannot be recorded must not be done.
  func record(_ events: [Event], buckets: [BucketRow] = []) async throws(JournalError) {
    let records = try await journal.append(events, sweep: sweep, at: clock.now, buckets: buckets)
    believe(records)
  }

  /// Records events, and answers with their records.
  func record(returning events: [Event]) async throws(JournalError) -> [Record] {
    let records = try await journal.append(events, sweep: sweep, at: clock.now, buckets: [])
    believe(records)
    return records
  }

  /// Records one event.
  func record(_ event: Event) async throws(JournalError) { try await record([event]) }
}

/// Where the time comes from: the system's clock, or a virtual one.
public protocol TimeSource: Sendable {
  /// The present moment, UTC.
  var now: Date { get }
  /// Returns at `date` or when the task is cancelled, whichever comes first.
  func sleep(until date: Date) async
}

/// The system's clock.
public struct SystemClock: TimeSource {
  /// The system's clock.
  public init() {}

  /// The present moment.
  public var now: Date { Date() }

  /// Sleeps on the continuous clock, so that a suspended machine wakes in time.
  public func sleep(until date: Date) async {
    let seconds = date.timeIntervalSince(now)
    guard seconds > 0 else { return }
    do {
      try await Task.sleep(for: .seconds(seconds), clock: .continuous)
    } catch {
      // Cancelled: the caller looks at its own reason to stop.
    }
  }
}
