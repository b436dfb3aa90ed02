/// What reloading cost a node for one batch.
public struct Reload: Sendable, Equatable, Codable {
  /// What was reloaded: `haproxy` or `stunnel`.
  public var program: String
  /// How often: 2 where the first was refused and the old set went back.
  public var count: Int
  /// Milliseconds from the last command until the node said that it was taken up.
  public var milliseconds: Int
  /// Certificates that shared it.
  public var certificates: Int
  /// Why it was not a hot update; empty for stunnel, which has none.
  public var reason: String
  /// What new connections met meanwhile; nil in a journal from before anybody looked.
  public var handshakes: ReloadHandshakes?

  /// Collects the parts.
  public init(
    program: String, count: Int, milliseconds: Int, certificates: Int, reason: String,
    handshakes: ReloadHandshakes? = nil
  ) {
    self.program = program
    self.count = count
    self.milliseconds = milliseconds
    self.certificates = certificates
    self.reason = reason
    self.handshakes = handshakes
  }

  /// For people.
  public var words: String {
    let times = count > 1 ? " \(Wording.grouped(count)) times" : ""
    let why = "for \(Wording.count(certificates, "certificate"))"
    return "\(program) reloaded\(times) \(why) in \(Wording.seconds(milliseconds))"
      + (handshakes.map { "; \($0.words)" } ?? "")
  }
}
