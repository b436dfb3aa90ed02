/// A mail address with the name before it, if there is one.
struct MailAddress: Sendable, Equatable {
  let name: String
  /// What stands in the envelope.
  let address: String

  /// Reads `a@b.example` or `Name <a@b.example>`. An address without `@` is one of the mail server's own.
  init(_ text: String) throws(NetError) {
    _ = try WireText.line(text, as: "the mail address")
    if text.hasSuffix(">"), let open = text.lastIndex(of: "<") {
      var name = text[..<open]
      while name.last == " " { name.removeLast() }
      while name.first == " " { name.removeFirst() }
      if name.count >= 2, name.first == "\"", name.last == "\"" { name = name.dropFirst().dropLast() }
      self.name = String(name)
      address = String(text[text.index(after: open)...].dropLast())
    } else {
      name = ""
      address = text
    }
    // RFC 5321's atoms; quoted local parts and SMTPUTF8 are for nobody who gets a report. `<`, `>` and spaces would end
    // the address in MAIL FROM and let an SMTP parameter follow.
    let marks = Array("!#$%&'*+-/=?^_`{|}~.@[]:".utf8)
    let isAddress = address.utf8.allSatisfy { byte in
      (0x30...0x39).contains(byte) || (0x41...0x5A).contains(byte) || (0x61...0x7A).contains(byte)
        || marks.contains(byte)
    }
    let parts = address.split(separator: "@", omittingEmptySubsequences: false)
    guard isAddress, (1...2).contains(parts.count), parts.allSatisfy({ !$0.isEmpty }), address.utf8.count <= 254 else {
      throw NetError(.badURL, "not a mail address that can be sent to: \(text)")
    }
  }

  /// What stands in `From:` or `To:`, folded where it would become long.
  var header: String {
    guard !name.isEmpty else { return address }
    let phrase = HeaderText.phrase(name)
    return phrase.utf8.count + address.utf8.count > 60 ? "\(phrase)\r\n <\(address)>" : "\(phrase) <\(address)>"
  }
}
