import Foundation

/// What became of the mail about a run, and of those before it.
public struct MailNote: Sendable, Equatable, Codable {
  /// Mails in the outbox that no mail server took yet.
  public var waiting = 0
  /// The mail server's last words, where something waits. Hostile text.
  public var reason: String?
  /// The report of this run is among those that wait.
  public var isReportWaiting = false
  /// Why the report could not even be put into the outbox.
  public var lost: String?

  /// All is well.
  public init() {}

  /// Whether the report of this run has not reached anybody.
  public var isUntold: Bool { isReportWaiting || lost != nil }

  /// For people; nil where there is nothing to say.
  public var text: String? {
    var parts: [String] = []
    if let lost { parts.append("The report could not be mailed: \(Printable.terminal(lost))") }
    if waiting > 0 { parts.append(Self.waiting(waiting, reason)) }
    return parts.isEmpty ? nil : parts.joined(separator: "; ")
  }

  /// How many wait, how they go, and why they wait.
  public static func waiting(_ count: Int, _ reason: String?) -> String {
    "\(Wording.count(count, "mail waits", "mails wait")) in the outbox and \(count == 1 ? "goes" : "go") with the next run, "
      + "renew or report --send" + (reason.map { " (\(Printable.terminal($0)))" } ?? "")
  }
}
