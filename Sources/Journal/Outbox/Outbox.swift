public import Fleet
public import Foundation
import GRDB

/// A report that waits to be mailed.
public struct PendingMail: Sendable, Equatable, Identifiable {
  /// Its number in the outbox and in the events about it.
  public var id: Int64
  /// When it was queued.
  public var queuedAt: Date
  /// Its subject, for lists.
  public var subject: String
  /// The envelope's sender.
  public var sender: String
  /// The envelope's recipients.
  public var recipients: [String]
  /// The whole message, headers included (RFC 5322).
  public var message: [UInt8]
  /// How often it was tried.
  public var attempts: Int
  /// When it was last tried.
  public var lastAttemptAt: Date?
  /// What the mail server said then.
  public var lastDetail: String?
}

/// A mail on its way into the outbox.
struct QueuedMail: Sendable {
  var subject: String
  var sender: String
  var recipients: [String]
  var message: [UInt8]
}

enum Outbox {
  static let message = Table("message", "mail# sender recipients rfc822*")

  /// All that wait, or the one with this number if it does.
  static func pending(_ database: Database, _ number: Int64? = nil) throws -> [PendingMail] {
    let statement = try database.cachedStatement(
      sql: """
        SELECT mail.id, mail.queued_at, mail.subject, message.sender, message.recipients, message.rfc822, \
        mail.attempts, mail.last_attempt_at, mail.last_detail \
        FROM mail JOIN message ON message.mail = mail.id \
        WHERE mail.sent_at IS NULL AND mail.id = coalesce(?, mail.id) ORDER BY mail.id
        """)
    var pending: [PendingMail] = []
    let rows = try Row.fetchCursor(statement, arguments: [number])
    while let row = try rows.next() {
      var reader = RowReader(row, table: "mail")
      pending.append(
        PendingMail(
          id: try reader.number(), queuedAt: try reader.date(), subject: try reader.text(), sender: try reader.text(),
          recipients: try reader.texts(), message: try reader.bytes(), attempts: try reader.int(),
          lastAttemptAt: try reader.optionalDate(), lastDetail: try reader.optionalText()))
    }
    return pending
  }
}

extension JournalStore {
  /// Puts a report into the outbox, where it stays until a mail server took it.
  ///
  /// - Returns: its number.
  public func queueMail(
    subject: String, message: [UInt8], from sender: String, to recipients: [String], sweep: SweepID?, at now: Date
  ) async throws(JournalError) -> Int64 {
    let records = try await append(
      AppendRequest(
        events: [], sweep: sweep, at: JournalTime.seconds(now),
        mail: QueuedMail(subject: subject, sender: sender, recipients: recipients, message: message)))
    for record in records {
      if case .mailQueued(let mail, _) = record.event { return mail }
    }
    throw .refused("the mail was not queued")
  }

  /// What waits, oldest first.
  public func pendingMail() throws(JournalError) -> [PendingMail] { try read { try Outbox.pending($0) } }

  /// The numbers of what waits, oldest first.
  public func pendingMailNumbers() throws(JournalError) -> [Int64] {
    try read { try Int64.fetchAll($0, sql: "SELECT id FROM mail WHERE sent_at IS NULL ORDER BY id") }
  }

  /// A mail that waits; nil where it was sent meanwhile.
  public func pendingMail(_ number: Int64) throws(JournalError) -> PendingMail? {
    try read { try Outbox.pending($0, number).first }
  }

  /// Whether this mail waits.
  public func isPending(_ number: Int64) throws(JournalError) -> Bool {
    try read { try Int.fetchOne($0, sql: "SELECT 1 FROM mail WHERE id = ? AND sent_at IS NULL", arguments: [number]) }
      != nil
  }

  /// The mail server took it, or it was written.
  public func markSent(_ mail: Int64, sweep: SweepID?, at now: Date) async throws(JournalError) {
    _ = try await append([.mailSent(mail: mail)], sweep: sweep, at: now)
    let before = JournalTime.seconds(now) - Self.sentMailSeconds
    try await write { database in
      try database.execute(
        sql: "DELETE FROM message WHERE mail IN (SELECT id FROM mail WHERE sent_at < ?)", arguments: [before])
    }
  }

  /// How long the text of a mail is kept after it was sent: a month to look at what was said. That it was sent is an event, and stays.
  private static let sentMailSeconds: Int64 = 30 * 86_400

  /// The mail server refused or was down; the report stays.
  public func markFailed(_ mail: Int64, detail: String, sweep: SweepID?, at now: Date) async throws(JournalError) {
    _ = try await append([.mailFailed(mail: mail, detail: detail)], sweep: sweep, at: now)
  }
}
