/// Reads `mail:`.
struct MailReader {
  let context: ReadingContext

  static let keys = [
    "host", "port", "tls", "user", "password", "password_file", "password_env", "trust", "directory", "from", "to",
  ]

  func read(_ root: Section) -> MailSettings? {
    guard let mail = root.section("mail", "“mail”", keys: Self.keys) else { return nil }
    let from = mail.text("from", orMissing: "write the sender's address: `from: certfleet@example.com`")
      .flatMap { context.mailbox($0, at: mail.location(of: "from")) }
    if mail.entry("to") == nil { mail.missing("to", remedy: "write who gets the reports: `to: [ops@example.com]`") }
    let to = context.mailboxes(mail, "to")
    guard let transport = transport(mail), let from else { return nil }
    return MailSettings(transport: transport, from: from, to: to)
  }

  private func transport(_ mail: Section) -> MailSettings.Transport? {
    if let directory = mail.path("directory", reading: nil) {
      for key in ["host", "port", "tls", "user", "password_file", "password_env", "trust"] {
        guard let entry = mail.entry(key) else { continue }
        context.faults.error(
          at: entry.keyLocation, "“\(key)” has no meaning beside “directory”",
          remedy: "mail goes to a server or into a directory; keep one")
      }
      return .directory(directory)
    }
    guard
      let host = mail.text("host", orMissing: "write `host:` of an SMTP server, or `directory:` to keep mails as files")
    else {
      return nil
    }
    guard NetworkAddress.host(host) != nil else {
      context.faults.error(
        at: mail.location(of: "host"), "“\(Printable.short(host, 64))” is no host name or address",
        remedy: "write the server's name alone; its port goes into `port:`")
      return nil
    }
    let security = mail.choice("tls") ?? MailSettings.Security.startTLS
    let user = mail.text("user")
    let password = mail.secret("password")
    if user != nil, password == nil, mail.entry("password") == nil {
      context.faults.error(
        at: mail.location(of: "user"), "“mail” has a user but no password",
        remedy: "name its place with `password_file:` or `password_env:`")
    }
    if password != nil, user == nil {
      mail.missing("user", remedy: "write the login name that goes with the password")
    }
    if password != nil, security == .none {
      context.faults.warning(
        at: mail.location(of: "tls"), "the mail password would travel unprotected",
        remedy: "write `tls: starttls` or `tls: tls`")
    }
    let port = mail.port("port") ?? Self.usualPort(security)
    return .smtp(
      host: host, port: port, security: security, user: user, password: password,
      trust: mail.path("trust", reading: .certificates))
  }

  /// RFC 5321, RFC 6409 (submission) and RFC 8314 (implicit TLS).
  private static func usualPort(_ security: MailSettings.Security) -> UInt16 {
    switch security {
    case .none: 25
    case .startTLS: 587
    case .tls: 465
    }
  }
}
