public import Foundation

/// What a place was last seen to show of a certificate: kept beside the events, for only the newest counts.
public struct Sighting: Sendable, Equatable, Codable {
  /// The certificate.
  public var spec: SpecID
  /// Where it was looked for.
  public var place: DriftPlace
  /// What the look came to.
  public var verdict: Verdict
  /// How it was seen, or why it was not: hostile text.
  public var detail: String
  /// When.
  public var at: Date

  /// Collects the parts.
  public init(spec: SpecID, place: DriftPlace, verdict: Verdict, detail: String, at: Date) {
    self.spec = spec
    self.place = place
    self.verdict = verdict
    self.detail = detail
    self.at = at
  }

  /// What a look came to.
  public enum Verdict: String, Sendable, Codable {
    /// What should be there, as far as this place can be asked.
    case same
    /// Something else, or nothing.
    case differs
    /// It could not be looked at.
    case unclear
  }
}

/// When a certificate was last looked at, and what was seen: one line for `status`.
public struct LastSeen: Sendable, Equatable, Codable {
  /// The newest look.
  public var at: Date
  /// What each place came to then or before, by place.
  public var places: [String: Sighting.Verdict]

  /// Sums up the looks at one certificate; nil where there was none.
  public init?(_ sightings: [Sighting]) {
    guard let newest = sightings.map(\.at).max() else { return nil }
    at = newest
    places = Dictionary(sightings.map { ($0.place.description, $0.verdict) }) { first, _ in first }
  }

  /// `last seen 03:12: same on a, b, VIP`.
  public var text: String {
    let groups = Dictionary(grouping: places, by: \.value).mapValues { $0.map(\.key).sorted() }
    let parts = [Sighting.Verdict.same, .differs, .unclear].compactMap { verdict -> String? in
      guard let names = groups[verdict] else { return nil }
      let list = names.joined(separator: ", ")
      switch verdict {
      case .same: return "as it should be on \(list)"
      case .differs: return "differs on \(list)"
      case .unclear: return "could not be looked at on \(list)"
      }
    }
    return "\(Wording.minute(at)) UTC: \(parts.joined(separator: "; "))"
  }
}
