import Foundation
import Names

// The targets of tools/fuzz: each hands bytes from elsewhere to the very code that reads them. A trap of Swift, a signal of a C library and a reading
// that takes seconds all end the run, and the input is kept.
@testable import ACME
@testable import Appliance
@testable import Fleet
@testable import Net
@testable import PKI
@testable import SSH

/// What is tried.
enum Target: String, CaseIterable {
  case csv
  case yaml
  case acme
  case node
  case pem
  case dns
  case hosts
}

/// Chosen once: the name stands in the environment, since libFuzzer reads the command line.
private let target: Target = {
  let name = ProcessInfo.processInfo.environment["CERTFLEET_FUZZ"] ?? ""
  guard let target = Target(rawValue: name) else { fatalError("CERTFLEET_FUZZ is none of \(Target.allCases)") }
  return target
}()

/// libFuzzer's door.
@_cdecl("LLVMFuzzerTestOneInput")
public func fuzzOne(_ start: UnsafePointer<UInt8>, _ count: Int) -> CInt {
  let bytes = Array(UnsafeBufferPointer(start: start, count: count))
  switch target {
  case .csv: lists(bytes)
  case .yaml: inventory(bytes)
  case .acme: authority(bytes)
  case .node: answers(bytes)
  case .pem: certificates(bytes)
  case .dns: packets(bytes)
  case .hosts: knownHosts(bytes)
  }
  return 0
}

/// What a reading refuses is as good as what it takes: only what it does to the process counts.
private func attempt(_ work: () throws -> Void) {
  do { try work() } catch {}
}

// MARK: Lists and inventories

private let names: NameRules = {
  do {
    let rules = try DomainNameRules(extraSuffixes: ["lan"])
    return NameRules(
      aLabel: { (text) throws(NameRules.Fault) in
        do throws(NameFault) {
          return try rules.aLabel(text)
        } catch {
          throw NameRules.Fault(error.text, remedy: error.remedy)
        }
      }, registeredDomain: { rules.registeredDomain(of: $0) }, isSuffix: { rules.isSuffix($0) })
  } catch {
    fatalError("no public suffix list: \(error)")
  }
}()

private let vip = VIP(id: VIPID("web"), address: "192.0.2.10")

private let node = Node(
  id: NodeID("a"), address: "192.0.2.11", ssh: SSHSettings(user: "root"), active: .address, challenge: .usualThumbprint,
  terminations: [
    .haproxy(HAProxyTermination(certificates: "/etc/haproxy/certs")),
    .stunnel(StunnelTermination(certificates: "/etc/stunnel/certs")),
  ])

private let fleet = Inventory(
  path: "/fleet.yaml", state: "/state",
  authorities: [Authority(id: AuthorityID("ca"), directory: "https://ca.example/")],
  mail: nil, customers: [Customer(id: CustomerID("acme"), name: "Acme")],
  pairs: [
    Pair(
      id: PairID("web1"), customer: CustomerID("acme"), appliance: .haproxy, nodes: [node], vips: [vip])
  ], domainFiles: [])

private func lists(_ bytes: [UInt8]) {
  let (list, faults) = DomainListReader.read(
    [DomainSource(name: "list.csv", path: "/list.csv", bytes: bytes)], inventory: fleet, names: names,
    defaultPair: PairID("web1"))
  _ = ImportDifference(importing: list, into: [], sharing: [], live: [])
  for fault in faults { _ = Printable.terminal(fault.message) }
}

private func inventory(_ bytes: [UInt8]) {
  let source = SourceText(name: "fleet.yaml", bytes: bytes, hidesSecrets: true)
  let (root, faults) = YAMLReader.read(String(decoding: bytes, as: UTF8.self), source)
  for fault in faults { _ = Printable.terminal(fault.message) }
  let document = ConfigurationDocument(source: source, path: "/fleet.yaml", directory: "/", root: root)
  _ = InventoryReader.includes(of: document, home: "/root")
  guard root != nil else { return }
  let reading = InventoryReader.read([document], home: "/root")
  guard let inventory = reading.inventory else { return }
  // What an inventory makes us paste on a node.
  for pair in inventory.pairs { for node in pair.nodes { _ = Rights.needed(on: node) } }
}

// MARK: What a CA answers

/// The first byte says what is asked, the second the status; headers come before an empty line, as on the wire.
private func authority(_ bytes: [UInt8]) {
  guard bytes.count >= 2 else { return }
  let rest = bytes.dropFirst(2)
  let status = [200, 201, 400, 403, 404, 409, 429, 500, 503][Int(bytes[1]) % 9]
  var headers: [(name: String, value: String)] = []
  var body = Array(rest)
  if let end = rest.firstIndex(of: 0) {
    for line in String(decoding: rest[..<end], as: UTF8.self).split(separator: "\n") {
      let parts = line.split(separator: ":", maxSplits: 1).map { $0.trimmingPrefix { $0 == " " } }
      if parts.count == 2 { headers.append((name: String(parts[0]), value: String(parts[1]))) }
    }
    body = Array(rest[(end + 1)...])
  }
  let response = HTTPResponse(status: status, headers: headers, body: body)
  let url = "https://ca.example/acme/order/1"
  let now = Date(timeIntervalSince1970: 1_790_000_000)
  if let error = ACMEAnswer.error(response, url: url) {
    _ = Printable.terminal("\(error)")
    if case .problem(let problem, let status) = error.kind {
      _ = RateLimitSignal.read(
        status: status, type: problem.type.rawValue, detail: problem.detail, retryAfter: nil, at: now)
      _ = RateLimitSignal.unpauseLink(in: problem.detail)
    }
  }
  let after = ACMEAnswer.retryAfter(response)
  _ = after?.delay(from: now)
  _ = NoncePool.checked(response.header("Replay-Nonce"))
  for link in response.headers(named: "Link") { _ = link.count }
  attempt {
    switch bytes[0] % 6 {
    case 0:
      let wire = try ACMEAnswer.decode(Order.Wire.self, response, url: url)
      _ = try Order(wire, url: url, retryAfter: after)
    case 1:
      let wire = try ACMEAnswer.decode(Authorization.Wire.self, response, url: url)
      _ = try Authorization(wire, url: url, retryAfter: after)
    case 2:
      let wire = try ACMEAnswer.decode(Challenge.Wire.self, response, url: url)
      _ = try Challenge(wire, base: url)
    case 3:
      let wire = try ACMEAnswer.decode(Directory.Wire.self, response, url: url)
      _ = try Directory(wire, url: url)
    case 4:
      let wire = try ACMEAnswer.decode(RenewalInfo.Wire.self, response, url: url)
      _ = (RFC3339.date(wire.suggestedWindow.start), RFC3339.date(wire.suggestedWindow.end))
    default:
      for certificate in try X509Certificate.chain(pem: String(decoding: body, as: UTF8.self)) {
        _ = certificate.ariCertID
      }
    }
  }
}

// MARK: What a node answers

private let nonce = Nonce("n0")
private let moment = Date(timeIntervalSince1970: 1_790_000_000)
private let batch = BatchFile(
  spec: SpecID("web1.www"), attempt: AttemptID("a1"), vip: VIPID("web"), label: "www", names: someNames, chain: "",
  sha256: String(repeating: "a", count: 64), serial: "01", publicKeySHA256: String(repeating: "b", count: 64),
  expected: .anything)
private let someNames: NameSet = {
  guard let names = NameSet(["www.example.org"]) else { fatalError("a set of one name") }
  return names
}()
private let work = RolloutWork(
  node: node, facts: NodeFacts(surveyedAt: moment), rollout: RolloutID("r1"), files: [batch])

/// The first byte says which question it answers.
private func answers(_ bytes: [UInt8]) {
  guard let first = bytes.first else { return }
  let rest = Array(bytes.dropFirst())
  let result = CommandResult(status: 0, stdout: rest, stderr: Array(rest.prefix(40)))
  let script = RoleQuery.script(for: node, vips: [vip], nonce: nonce)
  attempt {
    switch first % 10 {
    case 0: _ = try Survey.read(result, of: script, for: node, sentAt: moment, receivedAt: moment)
    case 1: _ = try RoleQuery.read(result, of: script, vips: [vip])
    case 2: _ = try work.read(result, of: script)
    case 3: _ = try work.readEvidence(result, of: script)
    case 4: _ = try work.readForesight(result, of: script)
    case 5: _ = try work.readLook(result, of: script)
    case 6: _ = try work.readPrevious(result, of: script)
    case 7: _ = try work.readWhereabouts(result, of: script)
    case 8: _ = try HostsFile.read(result, of: script)
    default:
      _ = ChallengeAnswer.read(rest, isEnd: true, pair: PairID("web1")) { _ in "token.thumbprint" }
      _ = try work.readCleanUp(result, of: script)
    }
  }
}

// MARK: Certificates, DNS, known hosts

private func certificates(_ bytes: [UInt8]) {
  let text = String(decoding: bytes, as: UTF8.self)
  attempt {
    let chain = try X509Certificate.chain(pem: text)
    _ = try X509Certificate.isOrderedChain(chain)
  }
  attempt { _ = try X509Certificate(der: bytes) }
  attempt { _ = try CertificateRequest(der: bytes) }
  attempt { _ = try CertificateRequest(pem: text) }
  attempt { _ = try SigningKey(pem: PKISecret(bytes), passphrase: nil) }
  attempt { _ = try PrivateKeyFile(bytes) }
}

private func packets(_ bytes: [UInt8]) {
  for type in [RecordType.a, .aaaa, .caa, .txt, .cname, .ns] { _ = DNSAnswer(status: 0, packet: bytes, type: type) }
}

private func knownHosts(_ bytes: [UInt8]) {
  let text = String(decoding: bytes, as: UTF8.self)
  let hosts = KnownHosts.parse(text)
  for (host, port) in [("192.0.2.1", 22), ("edge.example", 2_222), ("2001:db8::1", 22)] as [(String, UInt16)] {
    _ = hosts.keys(for: host, port: port)
  }
  _ = HostKey(openSSH: text)
  _ = HostKey(blob: bytes)
}
