/// What a transfer receives and sends, filled by libcurl's callbacks on the loop's thread.
final class TransferSink {
  /// A peer may send headers for ever: 256 KiB is 5 times what the longest real answer needs.
  private static let headerLimit = 256 << 10

  private let bodyLimit: Int
  private let outgoing: [UInt8]
  private var sent = 0
  private var headerSize = 0

  private(set) var headers: [(name: String, value: String)] = []
  private(set) var body: [UInt8] = []
  /// The last reply of an SMTP server but its goodbye: its code, and its lines in one.
  private(set) var reply: (code: Int, text: String)?
  private var replyGoesOn = false
  /// True once the peer has sent more than the caller was ready to take.
  private(set) var overflowed = false
  /// The `Location` of each answer that was followed by another one.
  private(set) var followed: [String] = []

  init(bodyLimit: Int, outgoing: [UInt8]) {
    self.bodyLimit = bodyLimit
    self.outgoing = outgoing
  }

  /// Takes one line, its line end included. False stops the transfer.
  func receive(headerLine bytes: UnsafeRawBufferPointer) -> Bool {
    headerSize += bytes.count
    guard headerSize <= Self.headerLimit else {
      overflowed = true
      return false
    }
    var line = Substring(String(decoding: bytes, as: UTF8.self))
    while let last = line.last, last.isNewline { line.removeLast() }
    note(reply: line)
    if line.hasPrefix("HTTP/") {
      // A new answer: after 100 Continue, a redirect, or a proxy's CONNECT.
      if let location = headers.last(where: { $0.name.lowercased() == "location" }) { followed.append(location.value) }
      headers = []
      body = []
    } else if let first = line.first, first == " " || first == "\t", let last = headers.indices.last {
      // RFC 9112 §5.2: a folded line goes on with the value before it.
      headers[last].value += " " + line.trimmed()
    } else if let colon = line.firstIndex(of: ":") {
      headers.append((String(line[..<colon]), line[line.index(after: colon)...].trimmed()))
    }
    return true
  }

  /// RFC 5321 §4.2: three digits, then "-" where another line of the same reply follows.
  private func note(reply line: Substring) {
    guard let code = Int(line.prefix(3)), (200...599).contains(code) else { return }
    // The answer to libcurl's QUIT after a refusal.
    guard code != 221 else { return }
    let text = String(line.dropFirst(4))
    reply = (code, replyGoesOn ? [reply?.text ?? "", text].joined(separator: " ") : text)
    replyGoesOn = line.dropFirst(3).first == "-"
  }

  /// Takes a part of the body. False stops the transfer.
  func receive(body part: UnsafeRawBufferPointer) -> Bool {
    guard body.count + part.count <= bodyLimit else {
      overflowed = true
      return false
    }
    body.append(contentsOf: part)
    return true
  }

  /// Fills the room with what is to be sent next; 0 is the end.
  func upload(into room: UnsafeMutableRawBufferPointer) -> Int {
    let count = min(room.count, outgoing.count - sent)
    room.copyBytes(from: outgoing[sent..<sent + count])
    sent += count
    return count
  }
}

extension Substring {
  fileprivate func trimmed() -> String {
    var text = self
    while let first = text.first, first == " " || first == "\t" { text.removeFirst() }
    while let last = text.last, last == " " || last == "\t" { text.removeLast() }
    return String(text)
  }
}
