public import Foundation

/// What was foretold when a run began: kept with the run, to be compared with what happened.
public struct KeptForecast: Sendable, Equatable, Codable {
  /// When it was made.
  public var at: Date
  /// How many certificates.
  public var count: Int
  /// When the last should be issued.
  public var end: Date
  /// What it would wait for last, in words.
  public var boundBy: String?

  /// Keeps the totals; nil where nothing was to be issued.
  public init?(_ forecast: Forecast) {
    guard let total = forecast.total else { return nil }
    at = forecast.from
    count = total.count
    end = total.end
    boundBy = total.boundBy?.description
  }
}

/// How a run kept to its forecast.
public struct PaceReview: Sendable, Equatable, Codable {
  /// What was foretold; nil where nothing was to be issued.
  public var forecast: KeptForecast?
  /// Certificates issued in the run.
  public var issued: Int
  /// When the last one was.
  public var lastIssuedAt: Date?
  /// Seconds by which the last came later than foretold, or earlier; nil where the run was ended before.
  public var errorSeconds: Double?

  /// Compares.
  public init(_ forecast: KeptForecast?, records: [Record], end: SweepEnd) {
    self.forecast = forecast
    let issues = records.compactMap { record in if case .issued = record.event { record.at } else { nil } }
    issued = issues.count
    lastIssuedAt = issues.max()
    if end == .completed, let forecast, let last = lastIssuedAt { errorSeconds = last.timeIntervalSince(forecast.end) }
  }

  /// The lines of a report; empty where there is nothing to say.
  public var lines: [String] {
    var lines: [String] = []
    if let forecast, let error = errorSeconds, let last = lastIssuedAt {
      let span = max(1, forecast.end.timeIntervalSince(forecast.at))
      let percent = (abs(error) / span * 100).rounded()
      let how =
        abs(error) < 60 && percent < 1
        ? "as foretold"
        : "\(Wording.span(abs(error))) \(error > 0 ? "later" : "earlier") than foretold (\(Int(percent)) %)"
      // A run of minutes says nothing on the forecast: nothing bound it.
      if span >= 600 || abs(error) >= 600 {
        lines.append("Last certificate issued \(Wording.minute(last)) UTC, \(how)")
        if issued != forecast.count {
          lines.append("  \(Wording.grouped(issued)) were issued, \(Wording.grouped(forecast.count)) were foretold")
        }
      }
    } else if let forecast, forecast.end.timeIntervalSince(forecast.at) >= 600 {
      lines.append(
        "Foretold were \(Wording.count(forecast.count, "certificate")) by \(Wording.minute(forecast.end)) UTC; "
          + "\(Wording.grouped(issued)) issued so far")
    }
    return lines
  }
}
