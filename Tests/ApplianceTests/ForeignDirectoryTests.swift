import Appliance
import Fleet
import Foundation
import Glibc
import Testing

/// H11: on a node, what somebody else left in the place of our directories and files is neither used nor changed, and is named.
@Suite(.enabled(if: Tool.areHere(.haproxy, .openssl, .socat, .dash), "needs haproxy, openssl, socat, dash"))
struct ForeignDirectoryTests {
  /// A link to a directory of somebody's, and what was in it.
  private func victim() throws -> String {
    let path = FileManager.default.temporaryDirectory.appending(path: "victim-\(UUID().uuidString)").path
    try FileManager.default.createDirectory(atPath: path + "/previous", withIntermediateDirectories: true)
    try Data("precious".utf8).write(to: URL(filePath: path + "/previous/first.pem"))
    #expect(chmod(path, 0o755) == 0)
    return path
  }

  private func isUntouched(_ path: String) throws -> Bool {
    var status = stat()
    let names = try FileManager.default.contentsOfDirectory(atPath: path)
    return stat(path, &status) == 0 && status.st_mode & 0o777 == 0o755
      && FileManager.default.contents(atPath: path + "/previous/first.pem") == Data("precious".utf8)
      && names == ["previous"]
  }

  @Test func aLinkInPlaceOfTheStagingDirectoryIsRefusedWithWords() async throws {
    let bench = try HAProxyBench()
    let facts = try await bench.facts()
    let victim = try victim()
    defer { do { try FileManager.default.removeItem(atPath: victim) } catch {} }
    #expect(symlink(victim, "\(bench.node.root)/certs/.certfleet") == 0)
    let work = bench.work(try await bench.batch(["first"], expected: .anything), facts: facts)

    let staged = try await bench.step(work, work.stage(nonce: Nonce("a")))

    #expect(staged.failures.count == 1)
    #expect(
      staged.failures.allSatisfy { $0.failure.detail.contains("/certs/.certfleet is a symbolic link") }, "\(staged)")
    _ = try await bench.node.run(work.cleanUp(succeeded: true, nonce: Nonce("c")))
    #expect(try isUntouched(victim))
  }

  @Test(.enabled(if: geteuid() == 0, "only root can give directories away"), arguments: ["link", "owner", "open"])
  func aWorkDirectoryThatIsNotOursIsRefusedWithWords(_ kind: String) async throws {
    let bench = try HAProxyBench()
    let facts = try await bench.facts()
    let victim = try victim()
    defer { do { try FileManager.default.removeItem(atPath: victim) } catch {} }
    let work = bench.work(try await bench.batch(["first"], expected: .anything), facts: facts)
    let place = "\(bench.node.root)/foreign"
    let word: String
    switch kind {
    case "link":
      #expect(symlink(victim, place) == 0)
      word = "is a symbolic link"
    case "owner":
      #expect(mkdir(place, 0o755) == 0 && chown(place, 12_345, 12_345) == 0)
      word = "belongs to user 12345"
    default:
      #expect(mkdir(place, 0o777) == 0 && chmod(place, 0o1777) == 0)
      word = "others may write into"
    }
    bench.node.node.work = place
    let foreign = RolloutWork(node: bench.node.node, facts: facts, rollout: work.rollout, files: work.files)
    var before = stat()
    #expect(lstat(place, &before) == 0)

    do {
      _ = try await bench.step(foreign, foreign.stage(nonce: Nonce("a")))
      Issue.record("it was used")
    } catch let failure as Failure {
      #expect(failure.detail.contains(word), "\(failure)")
    }
    let surveyed = try await bench.facts()

    #expect(!surveyed.workIsWritable)
    #expect(Survey.missing(surveyed, on: bench.node.node).contains { $0.what.contains("is not its own") })
    var after = stat()
    #expect(lstat(place, &after) == 0 && after.st_mode == before.st_mode && after.st_uid == before.st_uid)
    #expect(try isUntouched(victim))
  }

  /// `/tmp/keepalived.data` is anybody's to make: believed, it decides which node is worked on first.
  @Test(.serialized, .enabled(if: geteuid() == 0, "only root can give files away"), arguments: [true, false])
  func aDumpOfSomebodyElseSaysNothingAboutKeepalived(_ isLink: Bool) async throws {
    let dump = "/tmp/keepalived.data"
    guard !FileManager.default.fileExists(atPath: dump), !FileManager.default.fileExists(atPath: "/run/keepalived.pid")
    else { return }
    let node = try TestNode()
    node.node.active = .keepalived(instance: "VI_1")
    let bin = "\(node.root)/bin"
    let daemon = Process()
    daemon.executableURL = URL(filePath: "/bin/sh")
    daemon.arguments = ["-c", "trap : USR1; while :; do sleep 1; done"]
    try daemon.run()
    defer { daemon.terminate() }
    try Run.install(
      "case $1 in /run/keepalived.pid) echo \(daemon.processIdentifier) ;; *) exec /bin/cat \"$@\" ;; esac\n",
      at: "\(bin)/cat")
    try Run.install("exit 1\n", at: "\(bin)/keepalived")
    node.environment["PATH"] = bin + ":" + (node.environment["PATH"] ?? "")
    let text = " VRRP Instance = VI_1\n   State = MASTER\n   192.0.2.10/24 dev eth0\n"
    let real = "\(node.root)/dump"
    try Data(text.utf8).write(to: URL(filePath: real))
    defer { unlink(dump) }
    if isLink {
      #expect(symlink(real, dump) == 0)
    } else {
      try Data(text.utf8).write(to: URL(filePath: dump))
      #expect(chown(dump, 12_345, 12_345) == 0)
    }
    let vips = [VIP(id: "v1", address: "192.0.2.10")]
    let script = RoleQuery.script(for: node.node, vips: vips, nonce: Nonce("r"))

    let roles = try RoleQuery.read(try await node.run(script), of: script, vips: vips)

    guard case .unknown(let why)? = roles["v1"] else {
      Issue.record("\(roles)")
      return
    }
    #expect(why.contains("\(dump) is a link or not root's file"), "\(why)")
    #expect(FileManager.default.fileExists(atPath: dump))
  }
}
