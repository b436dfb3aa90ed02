import Appliance
import Fleet
import Foundation
import Testing

/// A key that rots on a node's disk must be noticed before it is served, and count as lost, so that the next try makes another.
@Suite(.enabled(if: Tool.areHere(.openssl, .dash), "needs openssl and dash"))
struct DamagedKeyTests {
  /// What may become of a key.
  enum Damage: String, CaseIterable {
    case cutShort, garbled
    /// The private half is another number; the public one, which is all that most programs compare, is right.
    case privateHalf
    case anotherKey

    func apply(to path: String, on node: TestNode) throws {
      let lines = try node.read(path).split(separator: "\n").map(String.init)
      switch self {
      case .cutShort: try node.write(lines.prefix(2).joined(separator: "\n") + "\n", to: path)
      case .garbled:
        let garbled = [lines[0], "!" + lines[1].dropFirst()] + lines.dropFirst(2)
        try node.write(garbled.joined(separator: "\n") + "\n", to: path)
      case .privateHalf:
        var der = Array(try #require(Data(base64Encoded: lines.dropFirst().dropLast().joined())))
        // ECPrivateKey: version 1, then an octet string of 32 (RFC 5915 §3).
        let mark = try #require(der.indices.first { der[$0...].starts(with: [0x02, 0x01, 0x01, 0x04, 0x20]) })
        der[mark + 20] ^= 1
        let body = Data(der).base64EncodedString(options: [.lineLength64Characters, .endLineWithLineFeed])
        try node.write("\(lines[0])\n\(body)\n\(lines[lines.count - 1])\n", to: path)
      case .anotherKey:
        try Run.openssl("genpkey", "-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:P-256", "-out", path)
      }
    }
  }

  @Test(arguments: Damage.allCases)
  func theNodeThatMadeItSaysWhenStagingThatItIsLost(_ damage: Damage) async throws {
    let node = try TestNode()
    node.node.terminations = [.haproxy(HAProxyTermination(certificates: "\(node.root)/certs", socket: nil))]
    let files = try await makeBatch(["one", "two"], on: node, try Certificates())
    try damage.apply(to: "\(node.root)/home/.certfleet/keys/one-1.key", on: node)

    let work = RolloutWork(node: node.node, facts: NodeFacts(surveyedAt: Date()), rollout: "r1", files: files)
    let script = work.stage(nonce: Nonce("s"))
    let answer = try work.read(try await node.run(script), of: script)

    #expect(answer.failures.map(\.failure.kind) == [.keyLost], "\(answer)")
    #expect(answer.failures.first?.failure.detail.contains(damage == .anotherKey ? "another one" : "damaged") == true)
    #expect(answer.done == ["p1/two"])
    #expect(!node.exists("\(node.root)/certs/.certfleet/r1/0/new/one.pem"))
  }

  @Test(arguments: Damage.allCases)
  func itIsNotSealedForThePeer(_ damage: Damage) async throws {
    let (holder, peer) = (try TestNode(name: "a"), try TestNode(name: "b"))
    let pair = try await SealedPair(holder, peer)
    try damage.apply(to: "\(holder.root)/home/.certfleet/keys/one-1.key", on: holder)
    let keys = [(attempt: pair.file.attempt, publicKeySHA256: pair.file.publicKeySHA256)]
    let script = KeyWork.seal(keys, to: pair.recipient, rollout: "r1", on: holder.node, nonce: Nonce("w"))

    let sealed = try KeyWork.readSealed(try await holder.run(script), of: script, keys: [pair.file.attempt])

    guard case .failure(let failure)? = sealed[pair.file.attempt] else {
      Issue.record("sealed")
      return
    }
    #expect(failure.kind == .keyLost)
  }

  @Test(arguments: Damage.allCases)
  func aPeerWhoseCopyIsDamagedTakesTheSealedOne(_ damage: Damage) async throws {
    let (holder, peer) = (try TestNode(name: "a"), try TestNode(name: "b"))
    let pair = try await SealedPair(holder, peer)
    let good = try holder.read("\(holder.root)/home/.certfleet/keys/one-1.key")
    let copy = "\(peer.root)/home/.certfleet/keys/one-1.key"
    try FileManager.default.createDirectory(
      atPath: "\(peer.root)/home/.certfleet/keys", withIntermediateDirectories: true)
    try peer.write(good, to: copy)
    try damage.apply(to: copy, on: peer)

    let work = pair.work(sealed: pair.sealed)
    let script = work.stage(nonce: Nonce("s"))
    let answer = try work.read(try await peer.run(script), of: script)

    #expect(answer.failures.isEmpty, "\(answer)")
    #expect(try peer.read(copy) == good)
  }

  @Test(arguments: [Damage.cutShort, .garbled, .privateHalf], [false, true])
  func aRequestForADamagedKeyIsALostKey(_ damage: Damage, isReused: Bool) async throws {
    let node = try TestNode()
    let names = try #require(NameSet(["a.test"]))
    func make(_ order: KeyOrder, _ nonce: String) async throws -> Result<String, Failure>? {
      let script = KeyWork.make([order], on: node.node, nonce: Nonce(nonce))
      return try KeyWork.readRequests(try await node.run(script), of: script, orders: [order])[order.attempt]
    }
    _ = try await make(KeyOrder(attempt: "a", names: names, key: .ecdsaP256), "one")?.get()
    try damage.apply(to: "\(node.root)/home/.certfleet/keys/a.key", on: node)

    let again =
      isReused
      ? KeyOrder(attempt: "b", names: names, key: .ecdsaP256, reuse: "a")
      : KeyOrder(attempt: "a", names: names, key: .ecdsaP256)
    let made = try await make(again, "two")

    guard case .failure(let failure)? = made else {
      Issue.record("a request was made")
      return
    }
    #expect(failure.kind == .keyLost)
    #expect(failure.detail.contains("damaged"))
    #expect(!node.exists("\(node.root)/home/.certfleet/keys/b.key"))
  }
}
