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

  /// Collects the parts.
  public init(program: String, count: Int, milliseconds: Int, certificates: Int, reason: String) {
    self.program = program
    self.count = count
    self.milliseconds = milliseconds
    self.certificates = certificates
    self.reason = reason
  }
}
