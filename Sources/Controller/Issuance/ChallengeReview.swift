import Foundation

/// When the challenges of an order that stays pending are looked at, and how often one that failed is answered again.
struct ChallengeReview {
  private var next: Date
  private var answers: [String: Int] = [:]

  /// Seconds between two looks. A validation mostly takes less, so an ordinary order is never looked at.
  private static let pause = 10.0
  /// The CA tried once already; three tries over half a minute outlast a fail-over.
  private static let mostAnswers = 2

  init(from now: Date) { next = now + Self.pause }

  /// Whether it is time for a look.
  mutating func isDue(at now: Date) -> Bool {
    guard now >= next else { return false }
    next = now + Self.pause
    return true
  }

  /// Whether this challenge may be answered once more.
  mutating func allowsAnother(of challenge: String) -> Bool {
    answers[challenge, default: 0] += 1
    return answers[challenge, default: 0] <= Self.mostAnswers
  }
}
