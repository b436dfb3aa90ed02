import ACME
import Foundation
import Journal
import Net
import PKI
import Synchronization
import Testing

@testable import Controller
@testable import Fleet

/// A CA that answers as the test says.
actor ScriptedCA: CertificateAuthority {
  private(set) var calls: [String] = []
  private let first: Order
  private let chain: [String]
  private let afterFinalize: Order
  private var faults: [String: (kind: ACMEError.Kind, retryAfter: RetryAfter?, left: Int)] = [:]
  private var authorizations: [String: Authorization] = [:]

  /// An order as it is born; after finalize it is valid, unless told otherwise.
  init(_ order: Order, chain: [String], afterFinalize: Order? = nil) {
    first = order
    self.chain = chain
    var valid = order
    valid.status = .valid
    valid.certificate = order.url + "/certificate"
    self.afterFinalize = afterFinalize ?? valid
  }

  /// Lets a request fail, so many times.
  func fail(_ request: String, _ kind: ACMEError.Kind, retryAfter: RetryAfter? = nil, times: Int = 1) {
    faults[request] = (kind, retryAfter, times)
  }

  /// What stands at the URLs of authorizations.
  func hold(_ authorization: Authorization) { authorizations[authorization.url] = authorization }

  private func hear(_ request: String) throws(ACMEError) {
    calls.append(request)
    guard let fault = faults[request], fault.left > 0 else { return }
    faults[request]?.left -= 1
    throw ACMEError(fault.kind, url: first.url, retryAfter: fault.retryAfter)
  }

  func newOrder(_ names: [String], profile: String?, replaces: String?) async throws(ACMEError) -> Order {
    try hear("newOrder")
    return first
  }

  func order(at url: String) async throws(ACMEError) -> Order {
    try hear("order")
    return calls.contains("finalize") ? afterFinalize : first
  }

  func authorization(at url: String) async throws(ACMEError) -> Authorization {
    try hear("authorization")
    guard let found = authorizations[url] else { throw ACMEError(.malformed("no authorizations here"), url: url) }
    return found
  }

  func respond(to challenge: Challenge) async throws(ACMEError) -> Challenge {
    try hear("respond")
    return challenge
  }

  func finalize(_ order: Order, csr der: [UInt8]) async throws(ACMEError) -> Order {
    try hear("finalize")
    return afterFinalize
  }

  func certificate(of order: Order, preferredRoot: String?) async throws(ACMEError) -> [String] {
    try hear("certificate")
    return chain
  }
}

/// One certificate whose key is made, with a journal and an authority of its own.
struct IssuingStage {
  let folder: ScratchFolder
  let journal: JournalStore
  let names: NameSet
  let key: SigningKey
  let of = AttemptReference(spec: SpecID("p/one"), attempt: AttemptID("a1"))

  init() async throws {
    folder = try ScratchFolder()
    journal = try JournalStore.open(directory: folder.path + "/state", hash: { sha256($0) })
    names = try #require(NameSet(["one.example"]))
    key = try SigningKey.generate(.ecdsaP256)
    try folder.openssl(
      "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "10", "-subj",
      "/CN=root of a test", "-keyout", "root.key", "-out", "root.pem")
    let request = try CertificateRequest.make(names: names.names, key: key).pem
    for event in [
      Event.specAdded(
        CertificateSpec(
          id: of.spec, pair: PairID("p"), vip: VIPID("v"), customer: nil, label: "one", names: names, key: .ecdsaP256,
          profile: nil, registeredDomains: ["one.example"], source: nil)),
      .attemptStarted(of: of, names: names, authority: AuthorityID("ca"), revision: 1),
      .keyMade(of: of, key: Attempt.Key(node: NodeID("n1"), request: request)),
    ] { try await note(event) }
  }

  func note(_ event: Event) async throws { _ = try await journal.append([event], sweep: nil, at: Date()) }

  func order(_ status: OrderStatus, authorizations: [String] = []) -> Order {
    Order(
      url: "https://ca.example/order/1", status: status, identifiers: names.names.map { Identifier(name: $0) },
      authorizations: authorizations, finalize: "https://ca.example/order/1/finalize")
  }

  /// What this stage's root signs for a key and names.
  func certificate(names: [String]? = nil, key: SigningKey? = nil) throws -> String {
    let names = names ?? self.names.names
    let request = try CertificateRequest.make(names: names, key: key ?? self.key).pem
    _ = try folder.write("request.pem", request)
    return try folder.openssl(
      "x509", "-req", "-in", "request.pem", "-CA", "root.pem", "-CAkey", "root.key", "-CAcreateserial",
      "-copy_extensions", "copy", "-days", "5")
  }

  /// The same as an authority: `CA:TRUE`.
  func authorityCertificate() throws -> String {
    _ = try folder.write("request.pem", try CertificateRequest.make(names: names.names, key: key).pem)
    _ = try folder.write(
      "authority.ext", "basicConstraints=critical,CA:TRUE\nsubjectAltName=DNS:\(names.names[0])\n")
    return try folder.openssl(
      "x509", "-req", "-in", "request.pem", "-CA", "root.pem", "-CAkey", "root.key", "-CAcreateserial", "-extfile",
      "authority.ext", "-days", "5")
  }

  func certificateState() throws -> CertificateState {
    try #require(try journal.fleetState().certificates[of.spec])
  }

  func kinds() throws -> [String] {
    try journal.recordsAfter(0).map { "\($0.event)".prefix { $0 != "(" } }.map(String.init)
  }

  /// Goes on with the attempt where the journal says that it stands.
  func run(
    _ ca: ScriptedCA, clock: any TimeSource = SystemClock(), stop: StopSign = StopSign(), nodes: [Node] = []
  ) async throws {
    let certificate = try certificateState()
    let loop = CurlLoop()
    defer { loop.shutdown() }
    let recorder = Recorder(journal: journal, sweep: nil, clock: SystemClock()) { _ in }
    let pair = Pair(
      id: PairID("p"), customer: nil, appliance: .haproxy, nodes: nodes,
      vips: [VIP(id: VIPID("v"), address: "192.0.2.1")])
    let inventory = Inventory(
      path: "/fleet.yaml", state: folder.path,
      authorities: [
        Authority(id: AuthorityID("ca"), directory: "https://ca.example/dir", roots: folder.path + "/root.pem")
      ], mail: nil, customers: [], pairs: [pair], domainFiles: [])
    let session = PairSession(
      pair: pair, links: [], recorder: recorder, clock: SystemClock(), thumbprint: "", names: [],
      known: .init(of: pair, in: FleetState()))
    let issuer = Issuer(
      authority: ca, settings: inventory.authorities[0], recorder: recorder,
      preflight: Preflight(
        http: HTTPClient(loop: loop), resolvers: [], thumbprint: "", inventory: inventory, clock: SystemClock()),
      orders: Gate(limit: 1), polls: PollMemory(), clock: clock, stop: stop)
    try await issuer.issue(
      Dispatcher.IssueOrder(
        spec: certificate.spec, attempt: try #require(certificate.attempt), revision: 1, isResumed: true, buckets: []),
      on: session)
  }
}

/// A clock that never waits: sleeping moves it on.
final class QuickClock: TimeSource {
  private let moment = Mutex(Date())
  var now: Date { moment.withLock { $0 } }
  func sleep(until date: Date) async {  // between two looks of the code under test: it does not wait
    moment.withLock { $0 = max($0, date) }
    await Task.yield()
  }
}
