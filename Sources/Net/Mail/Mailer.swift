/// Takes mails: a mail server, or a directory.
public protocol Mailer: Sendable {
  /// MUST have handed the mail on when it returns, and MUST throw otherwise: the caller keeps what was not taken.
  func send(_ mail: EncodedMail) async throws(NetError)
}

extension Mailer {
  /// Encodes and sends.
  public func send(_ message: MailMessage) async throws(NetError) { try await send(EncodedMail(message)) }
}

/// A mail as it stands in an outbox: bytes and envelope.
public struct EncodedMail: Sendable {
  /// Who it is from, as `MailMessage.from`.
  public var sender: String
  /// Whom it goes to, as `MailMessage.to`.
  public var recipients: [String]
  /// The name of its file where mails are files; the same name is the same file.
  public var name: String
  /// What `MailMessage.encoded` gave.
  public var content: [UInt8]

  /// Collects the parts.
  public init(sender: String, recipients: [String], name: String, content: [UInt8]) {
    self.sender = sender
    self.recipients = recipients
    self.name = name
    self.content = content
  }

  /// Encodes a message.
  public init(_ message: MailMessage) throws(NetError) {
    self.init(
      sender: message.from, recipients: message.to, name: try message.identifier(), content: try message.encoded())
  }
}
