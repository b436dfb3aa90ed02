import Fleet
import Foundation
import Journal
import Net

/// Reports on their way: written into the outbox first, then handed to the mail server; what it does not take stays and goes with the next command.
struct MailDesk: Sendable {
  let journal: JournalStore
  let settings: MailSettings
  let clock: any TimeSource

  /// What became of the outbox.
  struct Outcome: Sendable, Equatable {
    var sent = 0
    var waiting = 0
    /// The mail server's last words, where something waits.
    var reason: String?

    var text: String {
      var parts: [String] = []
      if sent > 0 { parts.append("\(Wording.count(sent, "mail")) sent") }
      if waiting > 0 {
        parts.append(
          "\(Wording.count(waiting, "mail waits", "mails wait")) in the outbox and \(waiting == 1 ? "goes" : "go") with the next run, "
            + "renew or report --send" + (reason.map { " (\(Printable.terminal($0)))" } ?? ""))
      }
      return parts.isEmpty ? "no mail was waiting" : parts.joined(separator: "; ")
    }
  }

  /// Puts a mail into the outbox.
  func queue(_ message: MailMessage, sweep: SweepID?) async throws(JournalError) {
    let encoded: [UInt8]
    do {
      encoded = try message.encoded()
    } catch {
      throw .refused("the mail “\(message.subject)” cannot be written: \(error.detail)")
    }
    _ = try await journal.queueMail(
      subject: message.subject, message: encoded, from: message.from, to: message.to, sweep: sweep, at: clock.now)
  }

  /// Hands on whatever waits, oldest first. A mail that the server refuses for good (5xx) stays and lets the others pass; any other fault stops
  /// here, since the next would fare no better.
  func deliver(sweep: SweepID?) async throws(JournalError) -> Outcome {
    var outcome = Outcome()
    let pending = try journal.pendingMail()
    let mailer: any Mailer
    do {
      mailer = try makeMailer()
    } catch {
      outcome.waiting = pending.count
      outcome.reason = error.text
      return outcome
    }
    for mail in pending {
      do throws(NetError) {
        try await mailer.send(
          EncodedMail(
            sender: mail.sender, recipients: mail.recipients,
            name: "\(Int(mail.queuedAt.timeIntervalSince1970))-\(mail.id)", content: mail.message))
      } catch {
        try await journal.markFailed(mail.id, detail: error.detail, sweep: sweep, at: clock.now)
        outcome.waiting += 1
        outcome.reason = error.detail
        if case .smtp(code: 500..., _) = error.kind { continue }
        outcome.waiting = pending.count - outcome.sent
        return outcome
      }
      try await journal.markSent(mail.id, sweep: sweep, at: clock.now)
      outcome.sent += 1
    }
    return outcome
  }

  private func makeMailer() throws(CommandFault) -> any Mailer {
    switch settings.transport {
    case .directory(let path): return DirectoryMailer(directory: path)
    case .smtp(let host, let port, let security, let user, let password, let trust):
      var secret: NetSecret?
      if let password { secret = NetSecret(try Secrets.read(password)) }
      let protection: SMTPServer.Security =
        switch security {
        case .none: .none
        case .startTLS: .startTLS
        case .tls: .tls
        }
      return SMTPMailer(
        server: SMTPServer(
          host: host, port: port, security: protection, user: user, password: secret,
          trust: trust.map { .bundle($0) } ?? .system))
    }
  }
}

extension MailDesk {
  /// The mail about a run: text, HTML, and every certificate as CSV.
  func message(_ report: SweepReport) -> MailMessage {
    MailMessage(
      from: settings.from, to: settings.to, subject: "certfleet: " + SweepReportText.headline(report),
      text: SweepReportText.render(report), html: SweepReportHTML.render(report),
      attachments: [
        (
          name: "certificates-\(Wording.day(report.endedAt)).csv", mediaType: "text/csv",
          content: Array(ReportCSV.render(report.rows).utf8)
        )
      ],
      messageID: "\(report.sweep)\(report.goesOn == nil ? "" : "-so-far")@\(domain)", date: report.endedAt)
  }

  /// The mail about one customer's progress.
  func message(_ report: CustomerReport, to recipients: [String]) -> MailMessage {
    MailMessage(
      from: settings.from, to: recipients, subject: CustomerReportText.headline(report),
      text: CustomerReportText.render(report), html: CustomerReportText.html(report),
      attachments: [
        (
          name: "certificates-\(Wording.day(report.at)).csv", mediaType: "text/csv",
          content: Array(ReportCSV.render(report.rows, isForCustomer: true).utf8)
        )
      ],
      messageID: "report-\(report.customer)-\(Int(report.at.timeIntervalSince1970))@\(domain)", date: report.at)
  }

  private var domain: String {
    let address = settings.from.split(separator: "@").last ?? "certfleet"
    return String(address.filter { $0.isASCII && ($0.isLetter || $0.isNumber || $0 == "." || $0 == "-") })
  }
}
