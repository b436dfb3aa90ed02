import Foundation

/// The first signal, for those who are in the middle of something with the CA: no order is asked for any more, and polling ends soon.
///
/// An actor because the loop sets it and every attempt reads it.
actor StopSign {
  private var since: Date?

  /// Seconds that a validation may still take: through a tunnel the CA gets its answer only while we are there.
  private static let grace = 8.0

  /// From now on nothing new is started.
  func set(at now: Date) { since = since ?? now }

  /// Whether nothing new is to be started.
  var isSet: Bool { since != nil }

  /// Whether polling ends now; the order is in the journal, and the next run goes on with it.
  func endsPolls(at now: Date) -> Bool { since.map { now.timeIntervalSince($0) >= Self.grace } ?? false }
}
