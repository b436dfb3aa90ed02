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
      if waiting > 0 { parts.append(MailNote.waiting(waiting, reason)) }
      return parts.isEmpty ? "no mail was waiting" : parts.joined(separator: "; ")
    }
  }

  /// Puts a mail into the outbox.
  ///
  /// - Returns: its number there.
  @discardableResult
  func queue(_ message: MailMessage, sweep: SweepID?) async throws(CommandFault) -> Int64 {
    let encoded: [UInt8]
    do {
      encoded = try message.encoded()
    } catch {
      throw .couldNotRun("the mail “\(Printable.terminal(message.subject))” cannot be written: \(error.detail)")
    }
    return try await journaled { () async throws(JournalError) in
      try await journal.queueMail(
        subject: message.subject, message: encoded, from: message.from, to: message.to, sweep: sweep, at: clock.now)
    }
  }

  /// Mails a report of a run, and what waits from before; whatever happens on the way is told and stops nothing: the run is over, and what it did
  /// is recorded.
  func send(_ message: MailMessage?, sweep: SweepID) async -> MailNote {
    var note = MailNote()
    var queued: Int64?
    if let message {
      do throws(CommandFault) {
        queued = try await queue(message, sweep: sweep)
      } catch {
        note.lost = error.text
        // The outbox is no place any more, the mail server may be.
        if await Self.reached(settings, message) { note.lost = nil }
      }
    }
    do throws(JournalError) {
      let outcome = try await deliver(sweep: sweep)
      note.waiting = outcome.waiting
      note.reason = outcome.reason
      if let queued { note.isReportWaiting = try journal.isPending(queued) }
    } catch {
      note.reason = error.description
      note.isReportWaiting = queued != nil
      note.waiting = max(note.waiting, queued == nil ? 0 : 1)
    }
    return note
  }

  /// Hands on whatever waits, oldest first. A mail that the server refuses for good (5xx) stays and lets the others pass; any other fault stops
  /// here, since the next would fare no better.
  func deliver(sweep: SweepID?) async throws(JournalError) -> Outcome {
    var outcome = Outcome()
    let pending = try journal.pendingMailNumbers()
    let mailer: any Mailer
    do {
      mailer = try Self.mailer(settings)
    } catch {
      outcome.waiting = pending.count
      outcome.reason = error.text
      return outcome
    }
    for number in pending {
      // One at a time: an outbox of a year holds hundreds of megabytes.
      guard let mail = try journal.pendingMail(number) else { continue }
      do throws(NetError) {
        try await mailer.send(
          EncodedMail(
            sender: mail.sender, recipients: mail.recipients,
            name: "\(Int(mail.queuedAt.timeIntervalSince1970))-\(mail.id)", content: mail.message))
      } catch {
        outcome.reason = error.detail
        try await journal.markFailed(mail.id, detail: error.detail, sweep: sweep, at: clock.now)
        outcome.waiting += 1
        if case .smtp(code: 500..., _) = error.kind { continue }
        outcome.waiting = pending.count - outcome.sent
        return outcome
      }
      try await journal.markSent(mail.id, sweep: sweep, at: clock.now)
      outcome.sent += 1
    }
    return outcome
  }

  private static func mailer(_ settings: MailSettings) throws(CommandFault) -> any Mailer {
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
  /// Hands a mail on without the outbox; whether it was taken.
  private static func reached(_ settings: MailSettings, _ message: MailMessage) async -> Bool {
    do {
      try await mailer(settings).send(message)
      return true
    } catch {
      return false
    }
  }

  /// Mails that a renewal could not be run. Without the outbox: the journal may be what is wrong.
  static func tell(of fault: CommandFault, settings: MailSettings, at now: Date) async -> String {
    let lines = fault.text.split(separator: "\n").map { Printable.terminal($0) }
    let message = MailMessage(
      from: settings.from, to: settings.to, subject: "certfleet: Renewal could not run: nothing was renewed",
      text: (["certfleet renew of \(Wording.minute(now)) UTC could not run, and nothing was renewed:", ""] + lines + [
        "", "What is served stays served until it expires. Mend this, then run certfleet renew again.",
      ]).joined(separator: "\n") + "\n",
      messageID: "fault-\(Int(now.timeIntervalSince1970))@\(domain(of: settings))", date: now)
    do {
      try await mailer(settings).send(message)
      return "a mail about this was sent to \(settings.to.joined(separator: ", "))"
    } catch let error as NetError {
      return "no mail about this could be sent: \(Printable.terminal(error.detail))"
    } catch {
      return "no mail about this could be sent: \((error as? CommandFault)?.text ?? "\(error)")"
    }
  }

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
      messageID: "\(report.sweep)\(report.goesOn == nil ? "" : "-so-far")@\(Self.domain(of: settings))",
      date: report.endedAt)
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
      messageID: "report-\(report.customer)-\(Int(report.at.timeIntervalSince1970))@\(Self.domain(of: settings))",
      date: report.at)
  }

  private static func domain(of settings: MailSettings) -> String {
    let address = settings.from.split(separator: "@").last ?? "certfleet"
    return String(address.filter { $0.isASCII && ($0.isLetter || $0.isNumber || $0 == "." || $0 == "-") })
  }
}
