import Foundation
import Net
import Testing

@Suite(.enabled(if: Peer.isUsable, "needs python3"), .timeLimit(.minutes(1)))
struct MailMessageTests {
  private func received(_ message: MailMessage) async throws -> ReceivedMail {
    try await .read(Data(message.encoded()))
  }

  @Test func everyPartArrivesAsItWasWritten() async throws {
    let message = MailMessage.report()

    let mail = try await received(message)

    #expect(
      mail.structure == ["multipart/mixed", "multipart/alternative", "text/plain", "text/html"]
        + mail.parts.suffix(2).map(\.type))
    #expect(mail.parts.map(\.type) == ["text/plain", "text/html", "text/csv", "application/octet-stream"])
    #expect(mail.parts[0].text == message.text.replacing("\n", with: "\r\n"))
    #expect(mail.parts[1].text == message.html)
    #expect(mail.parts[2].content == message.attachments[0].content)
    #expect(mail.parts[3].content == message.attachments[1].content)
    #expect(mail.parts[2].name == "bericht.csv")
    #expect(mail.parts[3].name == "Übersicht \"neu\".bin")
    #expect(mail.defects == [])
  }

  @Test func theHeadersSayWhatWasSaid() async throws {
    let message = MailMessage.report()

    let mail = try await received(message)

    #expect(mail.subject == message.subject)
    #expect(mail.from == "Zertifikate für Kunden <certfleet@betreiber.example>")
    #expect(mail.to == ["Jürgen Müller <juergen@kunde.example>", "it@kunde.example"])
    #expect(mail.id == "<sweep-1.report@betreiber.example>")
    #expect(mail.date == 1_795_413_907)
    #expect(
      mail.headers == [
        "From", "To", "Subject", "Date", "Message-ID", "MIME-Version", "Auto-Submitted", "Content-Type",
      ])
  }

  @Test func theMailIsASCIIInShortLinesWithCRLF() async throws {
    let mail = try await received(.report())

    #expect(mail.ascii)
    #expect(mail.bare == 0)
    #expect(mail.longest <= 78)
  }

  @Test func aMailOfTextAloneIsOnePart() async throws {
    var message = MailMessage.report()
    message.html = nil
    message.attachments = []

    #expect(try await received(message).structure == ["text/plain"])
  }

  @Test(arguments: [
    "", "plain", "=?utf-8?B?not encoded?=", " spaces at both ends ", String(repeating: "long ", count: 300),
    String(repeating: "ü", count: 500), "👨‍👩‍👧‍👦👨‍👩‍👧‍👦👨‍👩‍👧‍👦👨‍👩‍👧‍👦", "a: b; c=\"d\" <e>", "e\u{301}\u{302}\u{303} zalgo",
  ])
  func aSubjectOfAnySortArrives(subject: String) async throws {
    let mail = try await received(.report(subject: subject))

    #expect(mail.subject == subject)
    #expect(mail.longest <= 78)
  }

  @Test(arguments: [
    "\"Müller, Jürgen\" <j@kunde.example>", "Mueller, J. (IT) <j@kunde.example>", "a \"b\" \\ c <j@kunde.example>",
  ])
  func aNameOfAnySortStaysOneAddress(address: String) async throws {
    #expect(try await received(.report(to: [address])).to.count == 1)
  }

  @Test(arguments: [
    "a\r\nBcc: b@evil.example", "a\nb", "a\u{0}b", "a\u{1B}[2Jb", "a\rb",
  ])
  func whatWouldBeAnotherHeaderIsRefused(text: String) {
    var byName = MailMessage.report()
    byName.attachments = [(text, "text/csv", [])]
    var byType = MailMessage.report()
    byType.attachments = [("a", "text/\(text)", [])]
    var byID = MailMessage.report()
    byID.messageID = "\(text)@b"
    let messages = [
      .report(subject: text), .report(from: "\(text) <a@b.example>"), .report(to: ["\(text)@b.example"]), byName,
      byType,
      byID,
    ]

    for message in messages { #expect(throws: NetError.self) { try message.encoded() } }
  }

  @Test(arguments: [
    "a b@c.example", "a@b.example> SIZE=1", "<a@b.example", "a@b@c", "@b.example", "a@", "", "ä@b.example",
    "a,b@c.example",
    "a@b.example>,<c@d.example",
  ])
  func anAddressThatIsNoneIsRefused(address: String) {
    #expect(throws: NetError.self) { try MailMessage.report(to: [address]).encoded() }
  }

  @Test func aMailToNobodyIsRefused() {
    #expect(throws: NetError.self) { try MailMessage.report(to: []).encoded() }
  }

  @Test func aDirectoryGetsWholeFilesThatAreNobodyElses() async throws {
    let home = try TestFolder()
    let folder = home.url
    let path = folder.path(percentEncoded: false)
    let mailer = DirectoryMailer(directory: path)
    let message = MailMessage.report()

    try await mailer.send(message)
    try await mailer.send(message)

    let file = folder.appending(path: "sweep-1.report_betreiber.example.eml")
    #expect(try FileManager.default.contentsOfDirectory(atPath: path) == [file.lastPathComponent])
    #expect(try Data(contentsOf: file) == Data(message.encoded()))
    let attributes = try FileManager.default.attributesOfItem(atPath: file.path(percentEncoded: false))
    #expect(attributes[.posixPermissions] as? Int == 0o600)
  }

  @Test func aMessageIdCannotLeaveTheDirectory() async throws {
    let home = try TestFolder()
    let folder = home.url
    var message = MailMessage.report()
    message.messageID = "../../etc/passwd"

    try await DirectoryMailer(directory: folder.path(percentEncoded: false)).send(message)

    let names = try FileManager.default.contentsOfDirectory(atPath: folder.path(percentEncoded: false))
    #expect(names == ["_.._.._etc_passwd.eml"])
  }

  @Test func aDirectoryThatCannotBeWrittenIsAnError() async {
    await #expect(throws: NetError.self) { try await DirectoryMailer(directory: "/proc/nothing").send(.report()) }
  }
}
