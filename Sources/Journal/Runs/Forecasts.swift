public import Fleet

extension JournalStore {
  /// Keeps what was foretold when a run began.
  public func keep(_ forecast: KeptForecast, of sweep: SweepID) async throws(JournalError) {
    try await set(Self.forecastName(sweep), to: try JournalText.encode(forecast, table: "setting"))
  }

  /// What was foretold when a run began; nil where nothing was to be issued.
  public func forecast(of sweep: SweepID) throws(JournalError) -> KeptForecast? {
    guard let text = try setting(Self.forecastName(sweep)) else { return nil }
    return try JournalText.decode(KeptForecast.self, text, table: "setting")
  }

  private static func forecastName(_ sweep: SweepID) -> String { "forecast of \(sweep)" }
}
