import ACME

/// How long this CA took lately over a validation and over a certificate, shared by all conversations of a run: the first look at an order comes
/// when it is probably done.
actor PollMemory {
  /// What is waited for.
  enum Phase: Hashable, Sendable {
    case validation, issuance
  }

  private var histories: [Phase: PollHistory] = [:]

  /// When to look first.
  func firstPoll(of phase: Phase) -> Duration { histories[phase, default: PollHistory()].firstPoll }

  /// Takes in how long one took.
  func observe(_ phase: Phase, took: Duration) { histories[phase, default: PollHistory()].observe(took) }
}
