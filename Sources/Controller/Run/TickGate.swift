/// Lets one tick wait at a time.
actor TickGate {
  private var isTaken = false

  /// Whether no tick waits: one may be sent.
  func take() -> Bool {
    defer { isTaken = true }
    return !isTaken
  }

  /// The one that waited is being handled.
  func done() { isTaken = false }
}
