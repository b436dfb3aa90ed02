public import Foundation

/// A limit of the CA's that somebody else uses too: it refused orders that our own count allowed. The ledger has learnt it since.
public struct LimitNote: Sendable, Equatable, Codable {
  /// Which.
  public var limit: Limit
  /// The name or registered domain that the CA named, if it named one.
  public var subject: String?
  /// How many orders were refused in the run; all of them were placed again.
  public var refusals: Int
  /// Until when the CA wanted the last of them to wait.
  public var until: Date
  /// How much the CA says that it allows, where an override in the inventory says more.
  public var stated: Int64?
  /// What that override says.
  public var overridden: Int64?

  /// What the refusals among a run's records tell, by limit.
  static func notes(_ records: [Record], overrides: [LimitOverride] = []) -> [LimitNote] {
    struct Key: Hashable {
      var limit: Limit
      var subject: String?
    }
    var notes: [Key: LimitNote] = [:]
    for record in records {
      guard case .attemptFailed(_, let failure) = record.event, failure.kind == .rateLimited else { continue }
      let signal = RateLimitSignal.read(
        status: 429, type: nil, detail: failure.detail, retryAfter: failure.retryAfter, at: record.at)
      guard case .limited(let limit, let subject, let until)? = signal else { continue }
      let key = Key(limit: limit, subject: subject)
      var note = notes[key] ?? LimitNote(limit: limit, subject: subject, refusals: 0, until: until)
      note.refusals += 1
      if let stated = RateLimitSignal.statedQuota(in: failure.detail)?.burst,
        let override = overrides.last(where: {
          $0.limit == limit && ($0.domain == nil || $0.domain == subject) && $0.quota.burst > stated
        })
      {
        note.stated = stated
        note.overridden = override.quota.burst
      }
      note.until = max(note.until, until)
      notes[key] = note
    }
    return notes.values.sorted { ($0.limit, $0.subject ?? "") < ($1.limit, $1.subject ?? "") }
  }

  /// One line of a report.
  public var text: String {
    let place = subject.map { " (\($0))" } ?? ""
    if let stated, let overridden {
      return
        "\(limit.title)\(place): `overrides:` of the inventory says \(overridden), and the CA that it allows \(stated): "
        + "the override is not believed; correct it. \(Wording.count(refusals, "order")) refused, "
        + "waited until \(Wording.minute(until)) UTC"
    }
    return "\(limit.title)\(place): \(Wording.count(refusals, "order")) refused that our own count allowed, "
      + "so somebody else uses it too; waited until \(Wording.minute(until)) UTC, then placed again"
  }
}
