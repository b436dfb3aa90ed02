import Fleet
import Foundation
import Journal
import Net
import PKI
import Testing

@testable import Controller

@Suite struct MailDeskTests {
  private let folder: ScratchFolder
  private let journal: JournalStore

  init() throws {
    folder = try ScratchFolder()
    journal = try JournalStore.open(directory: folder.path + "/state", hash: { sha256($0) })
  }

  private func desk(_ transport: MailSettings.Transport) -> MailDesk {
    MailDesk(
      journal: journal, settings: MailSettings(transport: transport, from: "a@example.com", to: ["ops@example.com"]),
      clock: SystemClock())
  }

  private func message(_ subject: String) -> MailMessage {
    MailMessage(
      from: "a@example.com", to: ["ops@example.com"], subject: subject, text: "text", html: nil, attachments: [],
      messageID: "\(subject)@example.com", date: Date(timeIntervalSince1970: 1_790_000_000))
  }

  @Test func whatWaitsGoesOnceAndIsNotSentAgain() async throws {
    let desk = desk(.directory(folder.path + "/mail"))
    try await desk.queue(message("first"), sweep: nil)
    try await desk.queue(message("second"), sweep: nil)

    let sent = try await desk.deliver(sweep: nil)
    let again = try await desk.deliver(sweep: nil)

    #expect(sent == MailDesk.Outcome(sent: 2, waiting: 0, reason: nil))
    #expect(again == MailDesk.Outcome())
    #expect(again.text == "no mail was waiting")
    #expect(try FileManager.default.contentsOfDirectory(atPath: folder.path + "/mail").count == 2)
  }

  @Test func whatTheTransportRefusesWaitsAndGoesLater() async throws {
    let path = try folder.write("in-the-way", "no directory")
    let blocked = desk(.directory(path))
    try await blocked.queue(message("first"), sweep: nil)
    try await blocked.queue(message("second"), sweep: nil)

    let outcome = try await blocked.deliver(sweep: nil)
    try FileManager.default.removeItem(atPath: path)
    let later = try await blocked.deliver(sweep: nil)

    #expect(outcome.sent == 0)
    #expect(outcome.waiting == 2)
    #expect(outcome.text.contains("2 mails wait in the outbox"))
    #expect(later.sent == 2)
  }

  @Test func aPasswordThatCannotBeReadKeepsTheMailAndSaysWhy() async throws {
    let desk = desk(
      .smtp(
        host: "127.0.0.1", port: 1, security: .none, user: "u", password: .file(folder.path + "/gone"), trust: nil))
    try await desk.queue(message("first"), sweep: nil)

    let outcome = try await desk.deliver(sweep: nil)

    #expect(outcome.waiting == 1)
    #expect(outcome.reason?.contains("gone") == true)
    #expect(try journal.pendingMail().count == 1)
  }

  @Test func aServerThatIsNotThereKeepsTheMail() async throws {
    // Port 1 of the loopback: nobody listens there.
    let desk = desk(.smtp(host: "127.0.0.1", port: 1, security: .none, user: nil, password: nil, trust: nil))
    try await desk.queue(message("first"), sweep: nil)

    let outcome = try await desk.deliver(sweep: nil)

    #expect(outcome.sent == 0)
    #expect(outcome.waiting == 1)
    #expect(outcome.reason != nil)
  }

  // H4: a report that reaches nobody is said, and is no fault of the journal.
  @Test func aReportThatCannotBeSentIsUntoldUntilItIs() async throws {
    let path = try folder.write("in-the-way", "no directory")
    let blocked = desk(.directory(path))

    let first = await blocked.send(message("first"), sweep: SweepID("s1"))
    try FileManager.default.removeItem(atPath: path)
    let second = await blocked.send(message("second"), sweep: SweepID("s2"))

    #expect(first.isUntold)
    #expect(first.waiting == 1)
    #expect(first.text?.contains("1 mail waits in the outbox") == true)
    #expect(second == MailNote())
    #expect(try FileManager.default.contentsOfDirectory(atPath: path).count == 2)
  }

  @Test func aMailThatCannotBeWrittenStopsNothing() async throws {
    let desk = desk(.directory(folder.path + "/mail"))

    let note = await desk.send(message("two\nlines"), sweep: SweepID("s1"))

    #expect(note.isUntold)
    #expect(note.lost?.contains("cannot be written") == true)
    #expect(note.text?.contains("A row was refused") == false)
  }
}
