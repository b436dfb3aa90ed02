import Fleet

/// An event in the shape that is stored for ever, and what that shape reads back as.
///
/// What was stored is what counts: the event that is folded and handed back was decoded from its own text, so that a date with a fraction
/// or anything else that storage cannot hold is the same in the runner's memory and in the tables.
struct CodedEvent: Sendable {
  /// The case's name, which is the only key of the JSON object.
  let kind: String
  /// The JSON.
  let body: String
  /// The event, read back.
  let event: Event

  init(_ event: Event) throws(JournalError) {
    body = try JournalText.encode(event, table: "event")
    self.event = try JournalText.decode(Event.self, body, table: "event")
    kind = try Self.kind(ofBody: body)
  }

  private static func kind(ofBody body: String) throws(JournalError) -> String {
    let parts = body.split(separator: "\"", maxSplits: 2, omittingEmptySubsequences: false)
    guard parts.count == 3, parts[0] == "{" else {
      throw .unreadable(table: "event", detail: "not an object with one key")
    }
    return String(parts[1])
  }
}
