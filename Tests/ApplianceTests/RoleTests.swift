import Appliance
import Fleet
import Foundation
import Glibc
import SSH
import Testing

/// Every detector, with the commands of its world replaced by scripts that say what the real ones say.
@Suite(.enabled(if: Tool.areHere(.dash), "needs dash"))
struct RoleTests {
  private let vips = [VIP(id: "v1", address: "192.0.2.10"), VIP(id: "v2", address: "2001:DB8:0::10")]

  private func ask(
    _ detector: ActiveDetector, commands: [String: String] = [:], prepare: (TestNode) throws -> Void = { _ in }
  ) async throws -> [VIPID: Role] {
    let node = try TestNode()
    node.node.active = detector
    let bin = "\(node.root)/bin"
    for (name, text) in commands { try Run.install("\(text)\n", at: "\(bin)/\(name)") }
    node.environment["PATH"] = bin + ":" + (node.environment["PATH"] ?? "")
    try prepare(node)
    let script = RoleQuery.script(for: node.node, vips: vips, nonce: Nonce("r"))
    return try RoleQuery.read(try await node.run(script), of: script, vips: vips)
  }

  private static let addresses = #"""
    cat <<'E'
    1: lo    inet 127.0.0.1/8 scope host lo
    1: lo    inet 192.0.2.10/32 scope global lo
    2: eth0    inet 192.0.2.1/24 brd 192.0.2.255 scope global eth0
    2: eth0    inet 192.0.2.100/24 scope global secondary eth0
    2: eth0    inet6 2001:db8::10/64 scope global FLAGS
    E
    """#

  @Test func anAddressOnLoopbackOrAsAPartOfAnotherDoesNotCount() async throws {
    let roles = try await ask(.address, commands: ["ip": Self.addresses])

    #expect(roles == ["v1": .passive, "v2": .active])
  }

  @Test func anAddressThatFailedDuplicateDetectionIsUnknown() async throws {
    let text = Self.addresses.replacing("FLAGS", with: "dadfailed tentative").replacing(
      "1: lo    inet 192", with: "2: e inet 192")

    let roles = try await ask(.address, commands: ["ip": text])

    #expect(roles["v1"] == .active)
    guard case .unknown(let text)? = roles["v2"] else {
      Issue.record("\(roles)")
      return
    }
    #expect(text.contains("dadfailed"))
  }

  @Test(arguments: [("active\n", Role.active), (" PASSIVE \n\n", .passive), ("activex", .unknown("activex"))])
  func aStatusFileHoldsExactlyOneWord(_ content: String, _ role: Role) async throws {
    let path = "/tmp/cf-status-\(UUID().uuidString)"
    try Data(content.utf8).write(to: URL(filePath: path))
    defer { unlink(path) }

    #expect(try await ask(.statusFile(path)) == ["v1": role, "v2": role])
  }

  @Test func aMissingStatusFileIsUnknownAndSaysSo() async throws {
    #expect(try await ask(.statusFile("/nowhere/status"))["v1"] == .unknown("no file /nowhere/status"))
  }

  @Test func aCommandGetsTheAddressAndMustExitWithZero() async throws {
    let roles = try await ask(.command("case %vip% in 192.*) echo active;; *) echo active; exit 3;; esac"))

    #expect(roles["v1"] == .active)
    #expect(roles["v2"] == .unknown("exit status 3: active"))
  }

  @Test(arguments: [("local", Role.active), ("all", .active), ("none", .passive)])
  func heartbeatSaysWhatItHolds(_ word: String, _ role: Role) async throws {
    let roles = try await ask(.heartbeat, commands: ["cl_status": "[ $1 = hbstatus ] && echo running || echo \(word)"])

    #expect(roles["v1"] == role)
  }

  @Test func heartbeatInTransitionIsUnknown() async throws {
    let roles = try await ask(.heartbeat, commands: ["cl_status": "[ $1 = hbstatus ] || echo transition"])

    #expect(roles["v1"] == .unknown("rscstatus transition"))
  }

  @Test(arguments: [(1, Role.active), (11, .passive)])
  func carpIsReadByItsGroupNumber(_ vhid: Int, _ role: Role) async throws {
    let text = "echo '\tcarp: BACKUP vhid 11 advbase 1 advskew 0'; echo '\tcarp: MASTER vhid 1 advbase 1 advskew 0'"

    #expect(try await ask(.carp(vhid: vhid), commands: ["ifconfig": text])["v1"] == role)
  }

  @Test func carpThatIsNotThereIsUnknown() async throws {
    #expect(
      try await ask(.carp(vhid: 7), commands: ["ifconfig": "true"])["v1"]
        == .unknown("ifconfig shows no carp vhid 7"))
  }

  @Test func keepalivedWithoutItsProcessIsUnknown() async throws {
    guard !FileManager.default.fileExists(atPath: "/run/keepalived.pid") else { return }
    #expect(try await ask(.keepalived(instance: "VI_1"))["v1"] == .unknown("no /run/keepalived.pid"))
  }

  @Test func aNodeThatSpeaksOfOtherVIPsOrOfTooFewIsNotBelieved() async throws {
    let node = try TestNode()
    let script = RoleQuery.script(for: node.node, vips: vips, nonce: Nonce("r"))
    for records in [["role 0 active"], ["role 0 active", "role 5 active"], ["role 0 active", "role 0 passive"]] {
      let lines = ["begin"] + records + ["end \(records.count + 1)"]
      let result = CommandResult(status: 0, stdout: Array(lines.map { "@cf r \($0)\n" }.joined().utf8))

      #expect(throws: Failure.self) { try RoleQuery.read(result, of: script, vips: vips) }
    }
  }

  @Test func aVerdictNeedsExactlyOneActiveNode() {
    let dead = Failure(.nodeUnreachable, "no route")
    func decide(_ one: Result<Role, Failure>, _ other: Result<Role, Failure>?) -> ActiveVerdict {
      var answers: [(node: NodeID, role: Result<Role, Failure>)] = [(node: "a", role: one)]
      if let other { answers.append((node: "b", role: other)) }
      return ActiveVerdict.decide(vip: "v1", answers: answers)
    }
    func kind(_ verdict: ActiveVerdict) -> Failure.Kind? { verdict.failure?.kind }

    #expect(decide(.success(.active), .success(.passive)) == .active("a", peer: .passive))
    #expect(decide(.success(.passive), .success(.active)) == .active("b", peer: .passive))
    #expect(decide(.success(.active), nil) == .active("a", peer: .absent))
    #expect(kind(decide(.success(.active), .success(.active))) == .splitBrain)
    #expect(kind(decide(.success(.passive), .success(.passive))) == .noActiveNode)
    #expect(kind(decide(.success(.passive), nil)) == .noActiveNode)
    #expect(
      decide(.success(.active), .failure(dead))
        == .active("a", peer: .unreachable(Failure(.nodeUnreachable, "no route", node: "b"))))
    #expect(
      decide(.success(.active), .success(.unknown("?")))
        == .active("a", peer: .unreachable(Failure(.roleUnknown, "?", node: "b"))))
    #expect(kind(decide(.success(.passive), .failure(dead))) == .noActiveNode)
    #expect(kind(decide(.failure(dead), .failure(dead))) == .nodeUnreachable)
    #expect(kind(decide(.success(.unknown("?")), .success(.passive))) == .roleUnknown)
    if case .unknown = decide(.success(.passive), .failure(dead)) {
    } else {
      Issue.record("the silent one may be active")
    }
  }
}
