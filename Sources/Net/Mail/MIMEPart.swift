import Foundation

/// A part of a mail: its headers and its encoded body.
///
/// libcurl's MIME API writes only into a running transfer, and a mail must also go into a file, so the twenty lines of
/// quoted-printable are ours; base64 is Foundation's.
struct MIMEPart: Sendable {
  let headers: [String]
  let body: String

  /// A text; its lines may end as they like.
  static func text(_ text: String, subtype: String) -> MIMEPart {
    MIMEPart(
      headers: ["Content-Type: text/\(subtype); charset=utf-8", "Content-Transfer-Encoding: quoted-printable"],
      body: quotedPrintable(text))
  }

  /// A file, byte for byte.
  static func file(_ content: [UInt8], name: String, mediaType: String) throws(NetError) -> MIMEPart {
    let name = try WireText.line(name, as: "the name of the attachment")
    let type = try WireText.line(mediaType, as: "the type of the attachment")
    let isType = type.split(separator: "/", omittingEmptySubsequences: false).count == 2
    guard isType, type.utf8.allSatisfy({ $0 >= 0x20 && $0 < 0x7F }) else {
      throw NetError(.badURL, "not a media type: \(type)")
    }
    return MIMEPart(
      headers: [
        "Content-Type: \(type)", "Content-Disposition: attachment;\r\n \(HeaderText.parameter("filename", name))",
        "Content-Transfer-Encoding: base64",
      ],
      body: Data(content).base64EncodedString(options: [
        .lineLength76Characters, .endLineWithCarriageReturn, .endLineWithLineFeed,
      ])
        + "\r\n")
  }

  /// Parts in one.
  static func container(_ subtype: String, _ parts: [MIMEPart]) -> MIMEPart {
    // RFC 2045 §6.7: "=_" occurs neither in quoted-printable nor in base64, so no body can hold the boundary.
    let boundary = "=_\(subtype)_="
    let bodies = parts.map { "--\(boundary)\r\n" + ($0.headers + ["", $0.body]).joined(separator: "\r\n") + "\r\n" }
    return MIMEPart(
      headers: ["Content-Type: multipart/\(subtype); boundary=\"\(boundary)\""],
      body: bodies.joined() + "--\(boundary)--\r\n")
  }

  /// RFC 2045 §6.7: lines of at most 76, ends of line as CRLF.
  static func quotedPrintable(_ text: String) -> String {
    var result: [UInt8] = []
    for line in lines(Array(text.utf8)) {
      var column = 0
      for (index, byte) in line.enumerated() {
        let isLast = index == line.count - 1
        let piece = piece(byte, isFirst: column == 0, isLast: isLast)
        // One column is left for the "=" of a soft line break.
        if column + piece.count > (isLast ? 76 : 75) {
          result += Array("=\r\n".utf8)
          column = 0
        }
        result += piece
        column += piece.count
      }
      result += Array("\r\n".utf8)
    }
    return String(decoding: result, as: UTF8.self)
  }

  private static func piece(_ byte: UInt8, isFirst: Bool, isLast: Bool) -> [UInt8] {
    let isBlank = byte == 0x20 || byte == 0x09
    // Blanks at the end are lost on the way. A dot alone ends a mail and "From " begins one in a mailbox file.
    let isRisky = (isBlank && isLast) || (isFirst && (byte == 0x2E || byte == 0x46))
    let isPlain = (isBlank || (byte > 0x20 && byte < 0x7F)) && byte != 0x3D
    return isPlain && !isRisky ? [byte] : Array("=\(HeaderText.hex(byte))".utf8)
  }

  /// Lines without their ends, which may be CRLF, LF or CR.
  private static func lines(_ bytes: [UInt8]) -> [ArraySlice<UInt8>] {
    var lines: [ArraySlice<UInt8>] = []
    var start = 0
    var index = 0
    while index < bytes.count {
      if bytes[index] == 0x0A || bytes[index] == 0x0D {
        lines.append(bytes[start..<index])
        if bytes[index] == 0x0D, index + 1 < bytes.count, bytes[index + 1] == 0x0A { index += 1 }
        start = index + 1
      }
      index += 1
    }
    if start < bytes.count { lines.append(bytes[start...]) }
    return lines
  }
}
