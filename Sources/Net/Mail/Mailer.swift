/// Takes mails: a mail server, or a directory.
public protocol Mailer: Sendable {
  /// MUST have handed the mail on when it returns, and MUST throw otherwise: the caller keeps what was not taken.
  func send(_ message: MailMessage) async throws(NetError)
}
