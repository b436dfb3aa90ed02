import Foundation
import Net
import Testing

@Suite(.enabled(if: Peer.isUsable, "needs python3-aiosmtpd and openssl"), .timeLimit(.minutes(2)))
struct SMTPMailerTests {
  let authority: TestAuthority
  let leaf: TestAuthority.Leaf
  let home: TestFolder

  init() async throws {
    authority = try await .shared()
    leaf = authority.first
    home = try TestFolder()
  }

  struct Envelope: Decodable {
    var from: String
    var to: [String]
    var tls: Bool
    var user: String?
  }

  private var folder: String { home.path }

  private func taken(_ number: Int = 1) throws -> (mail: Data, envelope: Envelope) {
    let json = try Data(contentsOf: home.url.appending(path: "\(number).json"))
    let mail = try Data(contentsOf: home.url.appending(path: "\(number).eml"))
    return (mail, try JSONDecoder().decode(Envelope.self, from: json))
  }

  private func mailer(
    _ port: UInt16, _ security: SMTPServer.Security, user: String? = nil, password: String? = nil, trust: Trust? = nil,
    deadline: Duration = .seconds(30)
  ) -> SMTPMailer {
    SMTPMailer(
      server: SMTPServer(
        host: "127.0.0.1", port: port, security: security, user: user, password: password.map { NetSecret($0) },
        trust: trust ?? .bundle(authority.rootPath), deadline: deadline))
  }

  private func failure(_ mailer: SMTPMailer, _ message: MailMessage = .report()) async -> NetError.Kind? {
    do throws(NetError) {
      try await mailer.send(message)
      return nil
    } catch {
      return error.kind
    }
  }

  private func isTLS(_ kind: NetError.Kind?) -> Bool { if case .tls = kind { true } else { false } }

  @Test func whatArrivesIsWhatWasSent() async throws {
    let peer = try await Peer.start("smtp_peer.py", [folder])

    try await mailer(peer.port, .none).send(.report())

    let (mail, envelope) = try taken()
    #expect(mail == Data(try MailMessage.report().encoded()))
    #expect(envelope.from == "certfleet@betreiber.example")
    #expect(envelope.to == ["juergen@kunde.example", "it@kunde.example"])
    #expect(!envelope.tls)
    #expect(try await ReceivedMail.read(mail).subject == MailMessage.report().subject)
  }

  @Test func startTLSAndALoginProtectAMail() async throws {
    let peer = try await Peer.start(
      "smtp_peer.py", [folder, "--starttls", leaf.chain, leaf.key, "--auth", "fleet@x.example", "pä ss"])

    try await mailer(peer.port, .startTLS, user: "fleet@x.example", password: "pä ss").send(.report())

    let (mail, envelope) = try taken()
    #expect(envelope.tls)
    #expect(envelope.user == "fleet@x.example")
    #expect(mail == Data(try MailMessage.report().encoded()))
  }

  @Test func tlsFromTheFirstByteProtectsAMail() async throws {
    let peer = try await Peer.start("smtp_peer.py", [folder, "--tls", leaf.chain, leaf.key, "--auth", "fleet", "word"])

    try await mailer(peer.port, .tls, user: "fleet", password: "word").send(.report())

    let (mail, envelope) = try taken()
    #expect(envelope.user == "fleet")
    #expect(mail == Data(try MailMessage.report().encoded()))
  }

  @Test func aServerWithoutStartTLSGetsNothing() async throws {
    let peer = try await Peer.start("smtp_peer.py", [folder])

    #expect(isTLS(await failure(mailer(peer.port, .startTLS))))
    #expect(throws: (any Error).self) { try taken() }
  }

  @Test(arguments: [SMTPServer.Security.startTLS, .tls])
  func aServerWithAnotherCertificateGetsNothing(security: SMTPServer.Security) async throws {
    let option = security == .tls ? "--tls" : "--starttls"
    let other = authority.second
    let named = try await Peer.start("smtp_peer.py", [folder, option, other.chain, other.key])
    let unknown = try await Peer.start("smtp_peer.py", [folder, option, leaf.chain, leaf.key])

    #expect(isTLS(await failure(mailer(named.port, security))))
    #expect(isTLS(await failure(mailer(unknown.port, security, trust: .system))))
    #expect(throws: (any Error).self) { try taken() }
  }

  @Test func aWrongPasswordIsTheServersRefusal() async throws {
    let peer = try await Peer.start(
      "smtp_peer.py", [folder, "--starttls", leaf.chain, leaf.key, "--auth", "fleet", "right"])

    guard case .smtp(let code, _) = await failure(mailer(peer.port, .startTLS, user: "fleet", password: "wrong")) else {
      Issue.record("no refusal")
      return
    }
    #expect(code == 535)
  }

  @Test func aLoginThatIsWantedAndNotGivenIsTheServersRefusal() async throws {
    let peer = try await Peer.start("smtp_peer.py", [folder, "--auth", "fleet", "word"])

    guard case .smtp(let code, _) = await failure(mailer(peer.port, .none)) else {
      Issue.record("no refusal")
      return
    }
    #expect(code == 530)
  }

  @Test(arguments: ["mail.example", "192.0.2.1", "127.0.0.1.evil.example"])
  func aPasswordDoesNotLeaveThisMachineInClear(host: String) async throws {
    let server = SMTPServer(host: host, port: 25, security: .none, user: "fleet", password: NetSecret("word"))

    #expect(isTLS(await failure(SMTPMailer(server: server))))
  }

  @Test(arguments: [
    ("nobody@kunde.example", 550, "5.1.1 There is no 5.1.1 such user: nobody"),
    ("later@kunde.example", 451, "4.3.0 try again later"),
  ])
  func aRefusedRecipientIsTheServersWordAndNobodyGetsTheMail(address: String, code: Int, text: String) async throws {
    let peer = try await Peer.start("smtp_peer.py", [folder])

    let kind = await failure(mailer(peer.port, .none), .report(to: ["it@kunde.example", address]))

    #expect(kind == .smtp(code: code, text: text))
    #expect(throws: (any Error).self) { try taken() }
  }

  @Test func aMailRefusedAfterItsDataIsAnError() async throws {
    let peer = try await Peer.start("smtp_peer.py", [folder])

    let kind = await failure(mailer(peer.port, .none), .report(from: "spam@betreiber.example"))

    #expect(kind == .smtp(code: 554, text: "5.7.1 this is spam"))
  }

  @Test func aServerThatGoesDownSaysSo() async throws {
    let peer = try await Peer.start("smtp_peer.py", [folder, "--greet-421"])

    #expect(await failure(mailer(peer.port, .none)) == .smtp(code: 421, text: "4.3.2 mail.example is going down"))
  }

  @Test func aServerThatIsDownRefuses() async throws {
    let peer = try await Peer.start("smtp_peer.py", [folder])
    peer.end()

    #expect(await failure(mailer(peer.port, .none)) == .connectionRefused)
  }

  @Test(arguments: [SMTPServer.Security.none, .startTLS, .tls])
  func aServerThatSaysNothingMeetsTheDeadline(security: SMTPServer.Security) async throws {
    let peer = try await Peer.start("smtp_peer.py", [folder, "--no-answer"])

    let start = ContinuousClock.now
    let kind = await failure(mailer(peer.port, security, deadline: .milliseconds(300)))

    #expect(kind == .timedOut)
    #expect(ContinuousClock.now - start < Peer.soon)
  }

  @Test func aServerThatStallsAtTheGoodbyeHasTakenTheMail() async throws {
    let peer = try await Peer.start("smtp_peer.py", [folder, "--stall-quit"])

    let start = ContinuousClock.now
    try await mailer(peer.port, .none).send(.report())

    #expect(ContinuousClock.now - start < Peer.soon)
    #expect(try taken().envelope.to.count == 2)
  }

  @Test func aLargeMailArrivesWhole() async throws {
    let peer = try await Peer.start("smtp_peer.py", [folder])
    var message = MailMessage.report()
    message.attachments = [("big.bin", "application/octet-stream", [UInt8](repeating: 0x2E, count: 3 << 20))]

    try await mailer(peer.port, .none).send(message)

    #expect(try taken().mail == Data(try message.encoded()))
  }

  @Test func aPasswordPrintsAsDots() {
    let server = SMTPServer(host: "a", port: 1, security: .tls, user: "u", password: NetSecret("geheim"))
    var dumped = ""
    dump(server, to: &dumped)

    #expect(!"\(server)".contains("geheim"))
    #expect(!String(reflecting: server).contains("geheim"))
    #expect(!dumped.contains("geheim"))
  }
}
