import Appliance
import Fleet
import Foundation
import Glibc
import SSH
import Testing

/// What must hold for any script, in any shell, cut at any byte.
@Suite(
  .enabled(
    if: Tool.areHere(.haproxy, .openssl, .socat, .dash, .bash, .busybox),
    "needs haproxy, openssl, socat, dash, bash, busybox"))
struct ScriptSafetyTests {
  static let shells = [["dash"], ["bash"], ["bash", "--posix"], ["busybox", "sh"]]

  static func command(_ shell: [String]) throws -> [String] {
    let tool = try #require(Tool(rawValue: shell[0])?.path, "\(shell[0]) is not installed")
    return [tool] + shell.dropFirst()
  }

  @Test(arguments: shells)
  func everyShellDoesTheWholeWay(_ shell: [String]) async throws {
    let bench = try HAProxyBench(.crtList, shell: try Self.command(shell))
    let facts = try await bench.facts()
    let old = try bench.node.leaf("\(bench.node.root)/certs/first.pem")
    let files = try await bench.batch(["first", "second"], expected: .leaves([old]))
    let work = bench.work(files, facts: facts)

    let staged = try await bench.step(work, work.stage(nonce: Nonce("a")))
    let active = try await bench.step(work, work.activate(nonce: Nonce("b")))
    let served = try files.map { try bench.served($0.names.first) }
    let back = try await bench.step(work, work.rollBack(nonce: Nonce("c")))
    let clean = work.cleanUp(succeeded: false, nonce: Nonce("d"))
    let left = try work.readCleanUp(try await bench.node.run(clean), of: clean)

    #expect(staged.failures.isEmpty, "\(staged)")
    #expect(active.certificates.values.allSatisfy { $0 == .done(.hot) }, "\(active)")
    #expect(served == files.map(\.sha256))
    #expect(back.certificates.values.allSatisfy { $0 == .done(.hot) }, "\(back)")
    #expect(try bench.served("first.test") == old)
    #expect(left.isEmpty)
  }

  @Test(arguments: shells)
  func aScriptCutAnywhereChangesNothing(_ shell: [String]) async throws {
    let bench = try HAProxyBench(shell: try Self.command(shell))
    let facts = try await bench.facts()
    let work = bench.work(try await bench.batch(["first", "second"], expected: .anything), facts: facts)
    _ = try await bench.step(work, work.stage(nonce: Nonce("a")))
    let script = work.activate(nonce: Nonce("b"))
    let before = try Snapshot(bench.node.root)
    let memory = try bench.cli("show ssl cert \(bench.node.root)/certs/first.pem")
    let bytes = script.stdin
    // The last bytes one by one, where a shell might take a part for the whole; the rest sampled. From the closing brace on it is whole.
    var cuts = Set(stride(from: 0, to: bytes.count, by: max(1, bytes.count / 30)))
    cuts.formUnion(bytes.count - 30..<bytes.count - "} </dev/null\n".utf8.count)

    for cut in cuts.sorted() where cut < bytes.count - "} </dev/null\n".utf8.count {
      let result = try bench.node.perform(Array(bytes[..<cut]))

      #expect(throws: Failure.self, "cut at \(cut) of \(bytes.count)") { try work.read(result, of: script) }
      #expect(try Snapshot(bench.node.root) == before, "cut at \(cut) of \(bytes.count)")
    }
    #expect(try bench.cli("show ssl cert \(bench.node.root)/certs/first.pem") == memory)
  }

  @Test func noArgumentOfAnyProcessHoldsAKey() async throws {
    let bench = try HAProxyBench()
    let facts = try await bench.facts()
    let files = try await bench.batch(["first", "second"], expected: .anything)
    let work = bench.work(files, facts: facts)
    let keys = try files.map { try bench.node.read("\(bench.node.root)/home/.certfleet/keys/\($0.attempt).key") }
    let secrets = keys.flatMap { $0.split(separator: "\n").filter { $0.count > 20 && !$0.hasPrefix("-") } }
    #expect(!secrets.isEmpty)
    var seen = 0
    for script in [work.stage(nonce: Nonce("a")), work.activate(nonce: Nonce("b")), work.rollBack(nonce: Nonce("c"))] {
      let answer = try work.read(
        try bench.node.perform(script.stdin) { _ in
          for process in processes() {
            seen += 1
            for secret in secrets where process.contains(secret) {
              Issue.record("a key stands in \(process.prefix(80))")
            }
          }
        }, of: script)
      #expect(answer.failures.isEmpty, "\(answer)")
    }
    #expect(seen > 100)
    for script in [work.stage(nonce: Nonce("a")), work.activate(nonce: Nonce("b"))] {
      let text = String(decoding: script.stdin, as: UTF8.self)
      #expect(!secrets.contains { text.contains($0) })
    }
  }

  private func processes() -> [String] {
    let names = (try? FileManager.default.contentsOfDirectory(atPath: "/proc")) ?? []  // lint: a race is no failure
    return names.filter { $0.allSatisfy(\.isNumber) }.compactMap { name in
      let data = FileManager.default.contents(atPath: "/proc/\(name)/cmdline")
      let environment = FileManager.default.contents(atPath: "/proc/\(name)/environ")
      return data.map { String(decoding: $0 + (environment ?? Data()), as: UTF8.self) }
    }
  }

  @Test func noiseOfALoginShellDoesNotSpoilTheAnswer() async throws {
    let bench = try HAProxyBench()
    let script = Survey.script(for: bench.node.node, nonce: Nonce("n"))
    let clean = try bench.node.perform(script.stdin)
    let noise = Array("Welcome!\n@cf other end 3\nno newline".utf8)
    let result = CommandResult(status: 0, stdout: noise + clean.stdout + noise, stderr: noise)

    let facts = try Survey.read(result, of: script, for: bench.node.node, sentAt: Date(), receivedAt: Date())

    #expect(facts.haproxy != nil)
  }

  @Test func anAnswerWithARecordMissingOrTwiceIsAFailure() async throws {
    let bench = try HAProxyBench()
    let facts = try await bench.facts()
    let work = bench.work(try await bench.batch(["first", "second"], expected: .anything), facts: facts)
    let script = work.stage(nonce: Nonce("a"))
    let whole = try bench.node.perform(script.stdin)
    let lines = whole.text.split(separator: "\n").map(String.init)

    // A beat only says that work goes on; it is no record.
    for index in lines.indices where !lines[index].hasSuffix(" beat") {
      let without = (lines[..<index] + lines[(index + 1)...]).joined(separator: "\n")
      #expect(throws: Failure.self) {
        try work.read(CommandResult(status: 0, stdout: Array(without.utf8)), of: script)
      }
      let twice = (lines[...index] + lines[index...]).joined(separator: "\n")
      #expect(throws: Failure.self) {
        try work.read(CommandResult(status: 0, stdout: Array(twice.utf8)), of: script)
      }
    }
  }

  @Test func anItemThatIsNotMentionedIsNeverASuccess() async throws {
    let bench = try HAProxyBench()
    let work = bench.work(try await bench.batch(["first"], expected: .anything), facts: try await bench.facts())
    let script = work.stage(nonce: Nonce("a"))

    let answer = try work.read(
      CommandResult(status: 0, stdout: Array("@cf a begin\n@cf a end 1\n".utf8)), of: script)

    guard case .stuck? = answer.certificates["p1/first"] else {
      Issue.record("\(answer)")
      return
    }
  }

  @Test func aFullDiskRefusesAndLeavesTheOldSet() async throws {
    guard getuid() == 0 else { return }
    let bench = try HAProxyBench()
    let facts = try await bench.facts()
    let certs = "\(bench.node.root)/certs"
    let first = try bench.node.read("\(certs)/first.pem")
    let files = try await bench.batch(["first", "second"], expected: .anything)
    let mounted = try Run.program("/bin/mount", ["-t", "tmpfs", "-o", "size=8k,nr_inodes=40", "tmpfs", certs])
    guard mounted.status == 0 else { return }
    defer { do { try Run.program("/bin/umount", ["-l", certs]) } catch { Issue.record(error) } }
    try bench.node.write(first, to: "\(certs)/first.pem")
    let work = bench.work(files, facts: facts)

    let staged = try await bench.step(work, work.stage(nonce: Nonce("a")))
    let active = try await bench.step(work, work.activate(nonce: Nonce("b")))

    #expect((staged.failures + active.failures).contains { $0.failure.kind == .diskFull }, "\(staged) \(active)")
    for (spec, failure) in active.failures {
      #expect([.diskFull, .keyLost].contains(failure.kind), "\(spec): \(failure)")
    }
    let served = try bench.served("first.test")
    #expect(try bench.node.leaf("\(certs)/first.pem") == served)
  }

  @Test func aReadOnlyFileSystemRefusesEverythingInItsOwnWords() async throws {
    guard getuid() == 0 else { return }
    let bench = try HAProxyBench()
    let facts = try await bench.facts()
    let certs = "\(bench.node.root)/certs"
    let old = try bench.served("first.test")
    let files = try await bench.batch(["first"], expected: .anything)
    let bound = try Run.program("/bin/mount", ["--bind", certs, certs])
    guard bound.status == 0 else { return }
    defer { do { try Run.program("/bin/umount", ["-l", certs]) } catch { Issue.record(error) } }
    guard try Run.program("/bin/mount", ["-o", "remount,ro,bind", certs]).status == 0 else { return }
    let work = bench.work(files, facts: facts)

    let staged = try await bench.step(work, work.stage(nonce: Nonce("a")))

    #expect(staged.failures.first?.failure.detail.contains("ead-only file system") == true, "\(staged)")
    #expect(try bench.served("first.test") == old)
  }
}

/// Every file under a directory with its content, but for sockets and what a program only looked at.
struct Snapshot: Equatable {
  var files: [String: Data] = [:]

  init(_ root: String) throws {
    let names = try #require(FileManager.default.enumerator(atPath: root))
    while let name = names.nextObject() as? String {
      if name.hasPrefix("run/") || name.hasPrefix("served") { continue }
      files[name] = FileManager.default.contents(atPath: "\(root)/\(name)") ?? Data()
    }
  }
}
