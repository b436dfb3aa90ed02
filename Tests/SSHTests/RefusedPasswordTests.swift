import Testing

@testable import SSH

@Suite struct RefusedPasswordTests {
  private let now = ContinuousClock.now
  private let wrong = SSHAuthentication.password(SSHSecret("wrong"))

  private func target(_ authentications: [SSHAuthentication], via jump: String? = nil) -> SSHTarget {
    SSHTarget(
      host: "node", user: "root", authentications: authentications, hostKeys: [],
      jump: jump.map { SSHTarget(host: $0, user: "root", authentications: [], hostKeys: []) })
  }

  private func refusal(methods: [String]) -> SSHError {
    SSHError(.authenticationRefused(methods: methods), phase: .authentication, host: "node", port: 22, detail: "no")
  }

  private func isHeldBack(
    _ passwords: RefusedPasswords, _ target: SSHTarget, at moment: ContinuousClock.Instant
  ) -> Bool {
    do {
      _ = try passwords.permitted(target, at: moment)
      return false
    } catch {
      return true
    }
  }

  @Test func aRefusedPasswordRestsForAnHour() {
    var passwords = RefusedPasswords()

    passwords.learn(refusal(methods: ["password"]), from: target([wrong]), at: now)

    #expect(isHeldBack(passwords, target([wrong]), at: now + .seconds(3_599)))
    #expect(!isHeldBack(passwords, target([wrong]), at: now + .seconds(3_600)))
  }

  @Test func anotherPasswordAndTheSameAtAnotherPlaceAreTried() {
    var passwords = RefusedPasswords()

    passwords.learn(refusal(methods: ["keyboard-interactive"]), from: target([wrong]), at: now)

    #expect(!isHeldBack(passwords, target([.password(SSHSecret("other"))]), at: now))
    #expect(!isHeldBack(passwords, target([wrong], via: "bastion"), at: now))
  }

  @Test func onlyThePasswordIsHeldBack() throws {
    var passwords = RefusedPasswords()

    passwords.learn(refusal(methods: ["password"]), from: target([wrong, .agent(socketPath: nil)]), at: now)

    #expect(try passwords.permitted(target([wrong, .agent(socketPath: nil)]), at: now).authentications.count == 1)
  }

  @Test func aPasswordThatWasNeverAskedForIsNotRefused() {
    var passwords = RefusedPasswords()

    passwords.learn(refusal(methods: ["publickey"]), from: target([wrong]), at: now)

    #expect(!isHeldBack(passwords, target([wrong]), at: now))
  }
}
