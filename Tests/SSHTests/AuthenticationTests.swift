import Foundation
import Testing

@testable import SSH

/// A password that is right is tried in Tests/EndToEnd/test_password.py, on nodes with accounts of their own: this sshd
/// knows only those of whoever runs the tests. What passwords meet here is refusal.
@Suite(.enabled(if: hasOpenSSH, "OpenSSH is not installed"), .timeLimit(.minutes(2)))
struct AuthenticationTests {
  private let client = SSHClient()
  private let server: SSHServer

  init() async throws { server = try await SSHServer(host: "127.1.0.4") }

  private func login(_ authentications: [SSHAuthentication], server: SSHServer? = nil) async -> SSHError? {
    let server = server ?? self.server
    return await failure { () throws(SSHError) in
      let connection = try await client.connect(to: server.target(authentications))
      let result = try await connection.run("echo in")
      await connection.close()
      #expect(result.text == "in\n")
    }
  }

  @Test(arguments: ["ed25519", "ecdsa"])
  func aKeyWithoutPassphraseLogsIn(type: String) async throws {
    try server.addKey("plain", type: type)

    #expect(await login([.identity(try server.identity("plain"))]) == nil)
  }

  @Test(arguments: ["ed25519", "ecdsa"])
  func aKeyWithPassphraseLogsInDecryptedOnce(type: String) async throws {
    try server.addKey("locked", type: type, passphrase: "correct horse; 'battery' $(staple)")

    let identity = try server.identity("locked", passphrase: SSHSecret("correct horse; 'battery' $(staple)"))

    for _ in 0..<5 { #expect(await login([.identity(identity)]) == nil) }
  }

  @Test func aWrongPassphraseIsSaidSo() throws {
    try server.addKey("locked2", type: "ed25519", passphrase: "right")

    let error = #expect(throws: SSHError.self) { try server.identity("locked2", passphrase: SSHSecret("wrong")) }

    #expect(error?.kind == .keyUnreadable)
    #expect(error?.detail.contains("passphrase") ?? false)
  }

  @Test func aMissingPassphraseIsSaidSo() throws {
    try server.addKey("locked3", type: "ed25519", passphrase: "right")

    let error = #expect(throws: SSHError.self) { try server.identity("locked3") }

    #expect(error?.detail.contains("none was given") ?? false)
  }

  @Test func theAgentOfAnEncryptedKeyIsOursAloneAndEndsWithIt() async throws {
    try server.addKey("locked4", type: "ed25519", passphrase: "right")

    let directory = try {
      let agent = try PrivateAgent(adding: server.directory.path + "/locked4", passphrase: SSHSecret("right"))
      let directory = (agent.socketPath as NSString).deletingLastPathComponent
      let mode = try FileManager.default.attributesOfItem(atPath: directory)[.posixPermissions] as? Int
      #expect(mode == 0o700)
      return withExtendedLifetime(agent) { directory }
    }()

    #expect(await eventually { !FileManager.default.fileExists(atPath: directory) })
  }

  @Test func aPEMKeyOfOldOpenSSLLogsIn() async throws {
    try server.addKey("pem", type: "ecdsa")
    try tool("/usr/bin/ssh-keygen", "-p", "-q", "-m", "PEM", "-N", "", "-f", server.directory.path + "/pem")
    #expect(try server.directory.read("pem").contains("EC PRIVATE KEY"))

    #expect(await login([.identity(try server.identity("pem"))]) == nil)
  }

  @Test func aPKCS8KeyLogsInThroughTheAgent() async throws {
    try server.addKey("pkcs8", type: "ecdsa")
    try tool("/usr/bin/ssh-keygen", "-p", "-q", "-m", "PKCS8", "-N", "", "-f", server.directory.path + "/pkcs8")

    #expect(await login([.identity(try server.identity("pkcs8"))]) == nil)
  }

  @Test func aKeyThatOthersMayReadIsRefused() throws {
    try server.addKey("open", type: "ed25519")
    try FileManager.default.setAttributes([.posixPermissions: 0o644], ofItemAtPath: server.directory.path + "/open")

    let error = #expect(throws: SSHError.self) { try server.identity("open") }

    #expect(error?.kind == .keyUnreadable)
    #expect(error?.detail.contains("chmod 600") ?? false)
  }

  @Test func aKeyThatIsNotLetInIsNamedWithTheMethodsLeft() async throws {
    try server.addKey("stranger", type: "ed25519", isAuthorized: false)

    let error = await login([.identity(try server.identity("stranger"))])

    #expect(error?.kind == .authenticationRefused(methods: ["publickey"]))
    #expect(error?.detail.contains("stranger") ?? false)
  }

  @Test func theNextWayIsTriedAfterARefusal() async throws {
    try server.addKey("stranger2", type: "ed25519", isAuthorized: false)

    let error = await login([
      .password(SSHSecret("no such thing")), .identity(try server.identity("stranger2")),
      .identity(try server.identity()),
    ])

    #expect(error == nil)
  }

  @Test func aPasswordWhereNoneIsTakenIsSaidSo() async throws {
    let error = await login([.password(SSHSecret("secret words"))])

    #expect(error?.kind == .authenticationRefused(methods: ["publickey"]))
    #expect(error?.description.contains("secret words") == false)
  }

  @Test func aWrongPasswordIsRefusedInBoundedTime() async throws {
    let server = try await SSHServer(host: "127.1.0.4", options: ["PasswordAuthentication yes"])

    let error = await login([.password(SSHSecret("surely wrong"))], server: server)

    guard case .authenticationRefused(let methods)? = error?.kind else {
      return #expect(Bool(false), "\(String(describing: error))")
    }
    #expect(methods.contains("password"))
  }

  @Test(arguments: ["PasswordAuthentication", "KbdInteractiveAuthentication"])
  func aServerThatHangsUpAtAWrongPasswordRefusedIt(_ way: String) async throws {
    let ways = ["PasswordAuthentication no", "KbdInteractiveAuthentication no", "UsePAM yes", "MaxAuthTries 1"]
    let server = try await SSHServer(host: "127.1.0.4", options: ways.filter { !$0.hasPrefix(way) } + ["\(way) yes"])

    let error = await login([.password(SSHSecret("surely wrong"))], server: server)

    guard case .authenticationRefused? = error?.kind else {
      return #expect(Bool(false), "\(String(describing: error))")
    }
  }

  private func refusals(of server: SSHServer) throws -> Int {
    try server.directory.read("log").split(whereSeparator: \.isNewline).count { $0.contains("Failed password") }
  }

  @Test func aRefusedPasswordIsNotOfferedAgainAndAnotherIs() async throws {
    let server = try await SSHServer(host: "127.1.0.4", options: ["PasswordAuthentication yes", "LogLevel INFO"])
    let wrong = SSHAuthentication.password(SSHSecret("surely wrong"))
    let first = await login([wrong], server: server)

    let second = await login([wrong], server: server)
    let withKey = await login([wrong, .identity(try server.identity())], server: server)
    let other = await login([.password(SSHSecret("wrong, too"))], server: server)

    #expect(second?.description == first?.description)
    #expect(withKey == nil)
    #expect(other?.phase == .authentication)
    // sshd answers first and writes its log then.
    #expect(try await eventually { try refusals(of: server) >= 2 })
    #expect(try refusals(of: server) == 2)
  }

  @Test func aRunningAgentsKeyLogsIn() async throws {
    try server.addKey("agent", type: "ed25519", passphrase: "x")
    let holder = try PrivateAgent(adding: server.directory.path + "/agent", passphrase: SSHSecret("x"))

    #expect(await login([.agent(socketPath: holder.socketPath)]) == nil)
  }

  @Test func anAgentThatIsNotThereIsNamed() async throws {
    let error = await login([.agent(socketPath: server.directory.path + "/nothing")])

    #expect(error?.detail.contains("No such file") ?? false, "\(String(describing: error))")
  }

  /// libssh2's own agent code would block the whole reactor here.
  @Test func aHungAgentTimesOutAndHoldsUpNobody() async throws {
    let hung = try HungUnixSocket(path: server.directory.path + "/hung")
    defer { hung.stop() }
    var target = server.target([.agent(socketPath: server.directory.path + "/hung")])
    target.deadlines.authentication = .milliseconds(1_500)
    let hungTarget = target

    async let late = failure { () throws(SSHError) in try await client.connect(to: hungTarget) }
    let others = await login([.identity(try server.identity())])
    let error = await late

    #expect(others == nil)
    #expect(error?.kind == .timedOut)
    #expect(error?.phase == .authentication)
  }

  /// libssh2 1.10 signs with SHA-1, and OpenSSH ≥ 8.8 refuses that in the words for an unknown key.
  @Test func anRSAKeyWorksOrItsRefusalSaysWhy() async throws {
    try server.addKey("rsa", type: "rsa")

    let error = await login([.identity(try server.identity("rsa"))])

    guard NativeSession.signsRSAWithSHA1Only else { return #expect(error == nil) }
    guard case .noCommonAlgorithm(_, let remedy)? = error?.kind else {
      return #expect(Bool(false), "\(String(describing: error))")
    }
    #expect(remedy.contains("ed25519"))
    #expect(error?.detail.contains("SHA-1") ?? false)
  }

  @Test(arguments: [
    ("SSH-2.0-OpenSSH_8.7p1", false), ("SSH-2.0-OpenSSH_8.8", true), ("SSH-2.0-OpenSSH_9.2p1 Debian", true),
    ("SSH-2.0-OpenSSH_10.0", true), ("SSH-2.0-dropbear_2022.83", false), ("SSH-2.0-OpenSSH_for_Windows", false),
  ])
  func theVersionThatRefusesSHA1IsKnown(banner: String, refuses: Bool) {
    #expect(Authenticator.refusesSHA1(banner) == refuses)
  }

  @Test func aServerThatWantsTwoKeysGetsTwo() async throws {
    let server = try await SSHServer(host: "127.1.0.4", options: ["AuthenticationMethods publickey,publickey"])
    try server.addKey("second", type: "ed25519")

    let error = await login(
      [.identity(try server.identity()), .identity(try server.identity("second"))], server: server)

    #expect(error == nil)
  }

  @Test func aSecretShowsNothing() {
    let secret = SSHSecret("hunter2")
    var dumped = ""

    dump(secret, to: &dumped)

    #expect("\(secret) \(String(reflecting: secret)) \(dumped)".contains("hunter2") == false)
    #expect("\(secret)" == "•••")
  }
}
