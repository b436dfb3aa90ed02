import Foundation
import Net

/// A mail as Python's email package understands it: a second opinion on what we wrote.
struct ReceivedMail: Decodable, Sendable {
  struct Part: Decodable, Sendable {
    var type: String
    var name: String?
    var hex: String
    var charset: String?

    var content: [UInt8] {
      let digits = Array(hex.utf8)
      return stride(from: 0, to: digits.count, by: 2).compactMap {
        UInt8(String(decoding: digits[$0..<$0 + 2], as: UTF8.self), radix: 16)
      }
    }
    var text: String { String(decoding: content, as: UTF8.self) }
  }

  var subject: String
  var from: String
  var to: [String]
  var id: String
  var date: Double
  var headers: [String]
  var parts: [Part]
  var structure: [String]
  var longest: Int
  var bare: Int
  var ascii: Bool
  var defects: [String]

  /// Reads the bytes of a mail.
  static func read(_ bytes: Data) async throws -> ReceivedMail {
    let script = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
      .appending(path: "Support/NetPeers/read_mail.py").path(percentEncoded: false)
    return try JSONDecoder().decode(
      Self.self, from: Data(await run("/usr/bin/python3", [script], input: [UInt8](bytes))))
  }
}

extension MailMessage {
  /// A report as the controller might send it, with what breaks careless mailers.
  static func report(
    from: String = "Zertifikate für Kunden <certfleet@betreiber.example>",
    to: [String] = ["Jürgen Müller <juergen@kunde.example>", "it@kunde.example"],
    subject: String = "3 Zertifikate für „Müller & Söhne“ brauchen Sie – bis Freitag, sonst steht alles still 🚨"
  ) -> MailMessage {
    MailMessage(
      from: from, to: to, subject: subject,
      text: "Grüße,\n.\n..zwei Punkte\nFrom here on\n" + String(repeating: "lang ", count: 400)
        + "\nEnde  \n\ttab\t\n= = =\n",
      html: "<p>Größe &lt;b&gt;</p>\r\n<table style=\"" + String(repeating: "a:b;", count: 500) + "\"></table>\r\n",
      attachments: [
        ("bericht.csv", "text/csv; charset=utf-8", Array("name;grund\r\nä.example;\"a\nb\"\n".utf8)),
        ("Übersicht \"neu\".bin", "application/octet-stream", (0..<1000).map { UInt8(truncatingIfNeeded: $0) }),
      ],
      messageID: "<sweep-1.report@betreiber.example>", date: Date(timeIntervalSince1970: 1_795_413_907))
  }
}
