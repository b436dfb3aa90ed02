public import Foundation

/// A mail with a text part, an HTML part and attachments.
public struct MailMessage: Sendable {
  /// `a@b.example` or `Name <a@b.example>`.
  public var from: String
  /// As `from`, at least one.
  public var to: [String]
  /// One line, of any characters but control characters.
  public var subject: String
  /// For a reader without HTML; lines end as they like.
  public var text: String
  /// The same as HTML; nil for a mail of text alone.
  public var html: String?
  /// Files, whose bytes arrive as they are.
  public var attachments: [(name: String, mediaType: String, content: [UInt8])]
  /// Unique for ever (RFC 5322 §3.6.4), with or without angle brackets: sent twice, the mail is seen once.
  public var messageID: String
  /// When the mail was written.
  public var date: Date

  /// Makes a mail; nothing is checked before it is encoded.
  public init(
    from: String, to: [String], subject: String, text: String, html: String? = nil,
    attachments: [(name: String, mediaType: String, content: [UInt8])] = [], messageID: String, date: Date
  ) {
    self.from = from
    self.to = to
    self.subject = subject
    self.text = text
    self.html = html
    self.attachments = attachments
    self.messageID = messageID
    self.date = date
  }

  /// The mail as it is sent (RFC 5322, MIME): ASCII, CRLF, no line above 78 bytes but for a long address or file name.
  ///
  /// Refuses control characters in whatever becomes a header: a CR or LF there would be a header of somebody else's.
  public func encoded() throws(NetError) -> [UInt8] {
    let sender = try MailAddress(from)
    let receivers = try receivers()
    var head = [
      "From: \(sender.header)",
      "To: \(receivers.map(\.header).joined(separator: ",\r\n "))",
      "Subject: \(HeaderText.encoded(try WireText.line(subject, as: "the subject")))",
      "Date: \(HeaderText.date(date))",
      "Message-ID: <\(try identifier())>",
      "MIME-Version: 1.0",
      // RFC 3834 §5: no answers by holiday programs.
      "Auto-Submitted: auto-generated",
    ]
    var part = MIMEPart.text(text, subtype: "plain")
    if let html { part = .container("alternative", [part, .text(html, subtype: "html")]) }
    if !attachments.isEmpty {
      var parts = [part]
      for (name, mediaType, content) in attachments {
        parts.append(try .file(content, name: name, mediaType: mediaType))
      }
      part = .container("mixed", parts)
    }
    head += part.headers
    return Array((head.joined(separator: "\r\n") + "\r\n\r\n" + part.body).utf8)
  }

  /// Whom the mail goes to, checked.
  func receivers() throws(NetError) -> [MailAddress] {
    guard !to.isEmpty else { throw NetError(.badURL, "the mail has no recipient") }
    var all: [MailAddress] = []
    for address in to { all.append(try MailAddress(address)) }
    return all
  }

  /// The message id without brackets.
  func identifier() throws(NetError) -> String {
    let bare = messageID.hasPrefix("<") && messageID.hasSuffix(">") ? messageID.dropFirst().dropLast() : messageID[...]
    let isWord = bare.utf8.allSatisfy { $0 > 0x20 && $0 < 0x7F && ![0x3C, 0x3E].contains($0) }
    guard isWord, !bare.isEmpty, bare.utf8.count <= 200 else {
      throw NetError(.badURL, "the message id is not one word of ASCII")
    }
    return String(bare)
  }
}
