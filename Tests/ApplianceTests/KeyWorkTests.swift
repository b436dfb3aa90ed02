import Appliance
import Fleet
import Foundation
import Testing

/// Keys on the node, requests for the CA, and the way of a key to the peer.
@Suite(.enabled(if: Tool.areHere(.openssl, .dash), "needs openssl and dash"))
struct KeyWorkTests {
  private func requests(
    _ orders: [KeyOrder], on node: TestNode, nonce: String = "k"
  ) async throws -> [AttemptID: Result<String, Failure>] {
    let script = KeyWork.make(orders, on: node.node, nonce: Nonce(nonce))
    return try KeyWork.readRequests(try await node.run(script), of: script, orders: orders)
  }

  @Test(arguments: KeyType.allCases)
  func everyKindOfKeyMakesARequestThatVerifies(_ type: KeyType) async throws {
    let node = try TestNode()
    let names = try #require(NameSet(["*.a.test", "a.test", String(repeating: "l", count: 60) + ".long.test"]))

    let made = try await requests([KeyOrder(attempt: "x/1", names: names, key: type)], on: node)
    let text = try Run.openssl("req", "-noout", "-verify", "-text", stdin: try #require(try made["x/1"]?.get()))

    for name in names.names { #expect(text.contains("DNS:\(name)")) }
    #expect(text.contains("CN = a.test"))
    #expect(text.contains(type.rawValue.hasPrefix("rsa") ? type.rawValue.dropFirst(3) + " bit" : "ASN1 OID: "))
    let key = "\(node.root)/home/.certfleet/keys/x=2F1.key"
    let mode = try FileManager.default.attributesOfItem(atPath: key)[.posixPermissions] as? Int
    #expect(mode == 0o600)
  }

  @Test func aNameTooLongForACommonNameLeavesTheSubjectEmpty() async throws {
    let node = try TestNode()
    let name = String(repeating: "l", count: 60) + ".long.test"
    let order = KeyOrder(attempt: "a", names: try #require(NameSet([name])), key: .ecdsaP256)

    let made = try await requests([order], on: node)
    let text = try Run.openssl("req", "-noout", "-subject", "-text", stdin: try #require(try made["a"]?.get()))

    #expect(text.contains("DNS:\(name)"))
    #expect(!text.contains("CN ="))
  }

  @Test func askedAgainTheKeyIsTheSame() async throws {
    let node = try TestNode()
    let order = KeyOrder(attempt: "a", names: try #require(NameSet(["a.test"])), key: .ecdsaP256)

    let first = try #require(try await requests([order], on: node)["a"]?.get())
    let second = try #require(try await requests([order], on: node)["a"]?.get())

    #expect(
      try Run.openssl("req", "-noout", "-pubkey", stdin: first)
        == Run.openssl("req", "-noout", "-pubkey", stdin: second))
  }

  @Test func aReusedKeyIsTheOldOneAndAMissingOneIsSaid() async throws {
    let node = try TestNode()
    let names = try #require(NameSet(["a.test"]))
    let first = try await requests([KeyOrder(attempt: "a", names: names, key: .ecdsaP256)], on: node)

    let orders = [
      KeyOrder(attempt: "b", names: names, key: .ecdsaP256, reuse: "a"),
      KeyOrder(attempt: "c", names: names, key: .ecdsaP256, reuse: "gone"),
    ]
    let made = try await requests(orders, on: node)

    #expect(
      try Run.openssl("req", "-noout", "-pubkey", stdin: try #require(try first["a"]?.get()))
        == Run.openssl("req", "-noout", "-pubkey", stdin: try #require(try made["b"]?.get())))
    guard case .failure(let failure)? = made["c"] else {
      Issue.record("a key that is not there was used")
      return
    }
    #expect(failure.kind == .keyLost)
  }

  @Test func aKeyReachesThePeerSealed() async throws {
    let (holder, peer) = (try TestNode(name: "a"), try TestNode(name: "b"))
    let pair = try await SealedPair(holder, peer)

    #expect(pair.sealed.hasPrefix("-----BEGIN CMS-----"))
    let work = pair.work(sealed: pair.sealed)
    let script = work.stage(nonce: Nonce("s"))
    let answer = try work.read(try await peer.run(script), of: script)

    #expect(answer.certificates.values.allSatisfy { $0 == .done(.staged) }, "\(answer)")
    let staged = try peer.read("\(peer.root)/certs/.certfleet/r1/0/new/one.pem")
    let key = try holder.read("\(holder.root)/home/.certfleet/keys/one-1.key")
    #expect(staged == pair.file.chain + key)
    #expect(try peer.read("\(peer.root)/home/.certfleet/keys/one-1.key") == key)
  }

  @Test func spentKeysGoWithTheNextKeyAndWithTheCleaningUp() async throws {
    let node = try TestNode()
    node.node.terminations = [.haproxy(HAProxyTermination(certificates: "\(node.root)/certs", socket: nil))]
    let names = try #require(NameSet(["a.test"]))
    let keys = "\(node.root)/home/.certfleet/keys"
    func order(_ attempt: AttemptID, spent: [AttemptID] = []) -> KeyOrder {
      KeyOrder(attempt: attempt, names: names, key: .ecdsaP256, spent: spent)
    }
    _ = try await requests(["dead 1", "dead/2", "old", "stranger"].map { order($0) }, on: node)

    // A word too many would cost a living key: those asked for in the same step stay, whatever the list says.
    _ = try await requests([order("new", spent: ["dead 1", "dead/2", "new", "never-was"])], on: node)
    #expect(
      try FileManager.default.contentsOfDirectory(atPath: keys).sorted() == ["new.key", "old.key", "stranger.key"])

    let work = RolloutWork(node: node.node, facts: NodeFacts(surveyedAt: Date()), rollout: "r1", files: [])
    let script = work.cleanUp(succeeded: true, spent: ["old"], nonce: Nonce("c"))
    #expect(try work.readCleanUp(try await node.run(script), of: script).isEmpty)
    #expect(try FileManager.default.contentsOfDirectory(atPath: keys).sorted() == ["new.key", "stranger.key"])
    #expect(!node.exists("\(node.root)/home/.certfleet/requests"))
  }

  @Test func aBlobAlteredInOneByteIsNeverInstalled() async throws {
    let (holder, peer) = (try TestNode(name: "a"), try TestNode(name: "b"))
    let pair = try await SealedPair(holder, peer)
    let bytes = Array(pair.sealed.utf8)
    let body = bytes.indices.filter { bytes[$0] != 0x0A && $0 > 24 && $0 < bytes.count - 24 }

    for index in stride(from: 0, to: body.count, by: max(1, body.count / 25)) {
      var altered = bytes
      altered[body[index]] = altered[body[index]] == UInt8(ascii: "A") ? UInt8(ascii: "B") : UInt8(ascii: "A")
      let work = pair.work(sealed: String(decoding: altered, as: UTF8.self))
      let script = work.stage(nonce: Nonce("s\(index)"))
      let answer = try work.read(try await peer.run(script), of: script)

      let key = "\(peer.root)/home/.certfleet/keys/one-1.key"
      if answer.failures.isEmpty {
        // a byte that CMS does not need (of the issuer's name, say) may change: then the key is whole
        #expect(try peer.read(key) == holder.read("\(holder.root)/home/.certfleet/keys/one-1.key"))
        try FileManager.default.removeItem(atPath: key)
      } else {
        #expect(!peer.exists(key))
        #expect(!peer.exists("\(peer.root)/certs/.certfleet/r1/0/new/one.pem"), "byte \(body[index])")
      }
      let pem = "\(peer.root)/certs/.certfleet/r1/0/new/one.pem"
      if peer.exists(pem) { try FileManager.default.removeItem(atPath: pem) }
    }
  }

  @Test func aKeyThatDoesNotBelongToTheCertificateIsNotSealed() async throws {
    let (holder, peer) = (try TestNode(name: "a"), try TestNode(name: "b"))
    let pair = try await SealedPair(holder, peer)
    let wrong = [(attempt: AttemptID("one-1"), publicKeySHA256: String(repeating: "0", count: 64))]
    let script = KeyWork.seal(wrong, to: pair.recipient, rollout: "r1", on: holder.node, nonce: Nonce("w"))

    let sealed = try KeyWork.readSealed(try await holder.run(script), of: script, keys: ["one-1"])

    guard case .failure? = sealed["one-1"] else {
      Issue.record("sealed")
      return
    }
  }
}

/// Two nodes of a pair, one of which holds a key that the other needs.
struct SealedPair {
  let peer: TestNode
  let file: BatchFile
  let recipient: String
  let sealed: String
  let certificates: Certificates

  init(_ holder: TestNode, _ peer: TestNode) async throws {
    self.peer = peer
    certificates = try Certificates()
    peer.node.terminations = [.haproxy(HAProxyTermination(certificates: "\(peer.root)/certs", socket: nil))]
    file = try await makeBatch(["one"], on: holder, certificates)[0]
    let receive = KeyWork.recipient("r1", on: peer.node, nonce: Nonce("r"))
    recipient = try KeyWork.readRecipient(try await peer.run(receive), of: receive)
    let keys = [(attempt: file.attempt, publicKeySHA256: file.publicKeySHA256)]
    let seal = KeyWork.seal(keys, to: recipient, rollout: "r1", on: holder.node, nonce: Nonce("c"))
    sealed = try #require(
      try KeyWork.readSealed(try await holder.run(seal), of: seal, keys: [file.attempt])[file.attempt]?.get())
  }

  func work(sealed: String) -> RolloutWork {
    var file = file
    file.sealedKey = sealed
    return RolloutWork(node: peer.node, facts: NodeFacts(surveyedAt: Date()), rollout: "r1", files: [file])
  }
}
