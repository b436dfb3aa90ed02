import CCurl

/// Hands mails to a mail server.
public struct SMTPMailer: Mailer {
  private let server: SMTPServer

  /// A mailer for this server.
  public init(server: SMTPServer) { self.server = server }

  /// Hands the mail on to the server for all recipients, or for none: one that the server refuses is an error.
  public func send(_ mail: EncodedMail) async throws(NetError) {
    let sender = try MailAddress(mail.sender).address
    let receivers = try mail.recipients.map { (text) throws(NetError) in try MailAddress(text).address }
    guard !receivers.isEmpty else { throw NetError(.badURL, "the mail has no recipient") }
    let content = mail.content
    let host = try WireText.host(server.host, as: "the mail server's host")
    let user = try server.user.map { (user) throws(NetError) in try WireText.line(user, as: "the mail server's user") }
    if server.password != nil, server.security == .none, !Self.isThisMachine(server.host) {
      throw NetError(.tls("a password is sent over TLS only"), "a password is sent over TLS only")
    }
    // A loop of its own for each mail: libcurl waits for the answer to QUIT (120 s at most) on the loop's thread, and a
    // mail server that stalls there would stop every request to the CA. The answer to the mail does not wait for it.
    let loop = CurlLoop()
    defer { loop.shutdown() }
    let scheme = server.security == .tls ? "smtps" : "smtp"
    let server = server
    _ = try await loop.run(
      TransferPlan(
        deadline: server.deadline, connectDeadline: min(server.deadline, .seconds(30)), outgoing: content,
        prepare: { (easy) throws(NetError) in
          try easy.set(CURLOPT_URL, "\(scheme)://\(host):\(server.port)")
          try easy.set(CURLOPT_PROTOCOLS_STR, scheme)
          try easy.set(CURLOPT_PROXY, "")
          try easy.set(CURLOPT_MAIL_FROM, "<\(sender)>")
          try easy.set(CURLOPT_MAIL_RCPT, list: receivers.map { "<\($0)>" })
          try easy.set(CURLOPT_UPLOAD, 1)
          try easy.set(CURLOPT_INFILESIZE_LARGE, size: content.count)
          // For each answer, the one to QUIT included: a server that refuses and then stalls doubles the deadline.
          try easy.set(CURLOPT_SERVER_RESPONSE_TIMEOUT, max(1, server.deadline.wholeMilliseconds / 1000))
          // ALL: without STARTTLS nothing is sent, as an attacker may take it out of the server's answer.
          if server.security == .startTLS { try easy.set(CURLOPT_USE_SSL, Int(CURLUSESSL_ALL.rawValue)) }
          try easy.set(server.trust)
          if let user, let password = server.password {
            try easy.set(CURLOPT_USERNAME, user)
            try easy.set(CURLOPT_PASSWORD, password.revealed())
            // Without a list libcurl prefers Kerberos for every user with an "@" in it, and fails where there is none.
            try easy.set(CURLOPT_LOGIN_OPTIONS, "AUTH=PLAIN;AUTH=LOGIN;AUTH=CRAM-MD5")
          }
        }))
  }

  private static func isThisMachine(_ host: String) -> Bool {
    host == "localhost" || host == "::1" || host == "[::1]"
      || (host.hasPrefix("127.") && host.utf8.allSatisfy { (0x30...0x39).contains($0) || $0 == 0x2E })
  }
}
