public import Foundation

/// A CA that failed every order of a run, or did not know the account: one thing that needs a person, booked on no name.
public struct FailingAuthority: Sendable, Equatable, Codable {
  /// What it said last.
  public var cause: Failure
  /// Since when.
  public var since: Date
  /// Until when; nil while it goes on.
  public var endedAt: Date?
  /// Certificates that wait for it.
  public var waiting: Int

  /// What the records of a run tell; nil where the CA worked.
  init?(_ records: [Record], waiting: Int) {
    var found: FailingAuthority?
    for record in records {
      switch record.event {
      case .authorityFailing(_, _, let failure):
        if found == nil || found?.endedAt != nil {
          found = FailingAuthority(cause: failure, since: record.at, waiting: waiting)
        }
        found?.cause = failure
      case .issued: if found?.endedAt == nil { found?.endedAt = record.at }
      default: break
      }
    }
    guard let found else { return nil }
    self = found
  }

  init(cause: Failure, since: Date, waiting: Int) {
    self.cause = cause
    self.since = since
    self.waiting = waiting
  }

  /// Whether somebody has to look.
  public var goesOn: Bool { endedAt == nil }

  private var isAccount: Bool { cause.kind == .accountGone }

  /// A few words, for a headline.
  public var words: String {
    let what = isAccount ? "the CA does not know our account" : "the CA fails every order"
    return "\(what), \(Wording.count(waiting, "certificate waits", "certificates wait"))"
  }

  /// One sentence.
  public var title: String {
    let since = Wording.minute(since)
    if let endedAt {
      return "The CA failed every order from \(since) to \(Wording.minute(endedAt)) UTC; then all went on"
    }
    return isAccount
      ? "The CA does not know our account, since \(since) UTC; nothing is booked on a name"
      : "The CA has failed every order since \(since) UTC; one is tried a minute, and nothing is booked on a name"
  }

  /// What it said, as evidence.
  public var evidence: String {
    (cause.name.map { "last for \($0): " } ?? "last: ") + "\(cause.kind.title): \(cause.detail)"
  }

  /// What to do.
  public var advice: String { isAccount ? cause.kind.advice : Failure.Kind.authorityFailing.advice }
}
