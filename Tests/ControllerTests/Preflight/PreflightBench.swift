import Fleet
import Foundation
import Glibc
import Net

@testable import Controller

/// Load balancers, a web server and a name server of one test: real HAProxy and dnsmasq on loopback.
///
/// Both end when the value goes, and also when this process dies: each runs under a shell that waits for the end of a pipe.
final class PreflightBench {
  struct CannotStart: Error {}

  static let haproxy = find("haproxy")
  static let dnsmasq = find("dnsmasq")
  /// In CI a missing tool is a failure, elsewhere a skip that says so.
  static var mayRun: Bool {
    (haproxy != nil && dnsmasq != nil) || ProcessInfo.processInfo.environment["CI"] != nil
  }
  static let skipReason = "haproxy or dnsmasq is not installed (apt-get install haproxy dnsmasq-base)"
  static let thumbprint = "NzbLsXh8uDCcd-6MNwXF4W_7noWXFZAfHkxZsRGC9Xs"

  /// The first two bytes of every address after 127.
  let block = "127.9.\(UInt8.random(in: 1...250))"
  let web: UInt16
  let dns: UInt16
  let silentDNS: UInt16
  let loop = CurlLoop()
  private var processes: [(process: Process, lifeline: Pipe)] = []
  private let scratch = FileManager.default.temporaryDirectory.appending(path: "preflight-\(UUID().uuidString)")

  static func start() async throws -> PreflightBench {
    // Another process may take a port between its choice and its use.
    for _ in 0..<5 {
      let bench = try PreflightBench()
      if await bench.isReady() { return bench }
    }
    throw CannotStart()
  }

  private init() throws {
    (web, dns, silentDNS) = (try Self.freePort(), try Self.freePort(), try Self.freePort())
    try FileManager.default.createDirectory(at: scratch, withIntermediateDirectories: true)
    let file = scratch.appending(path: "haproxy.cfg")
    try Data(configuration.utf8).write(to: file)
    try launch([Self.haproxy ?? "haproxy", "-db", "-f", file.path()])
    try launch([Self.dnsmasq ?? "dnsmasq"] + zone)
  }

  deinit {
    // By their group, of which the shell is the head: Foundation hands the pipes of one child to the next, so that closing one says nothing
    // while another test's child lives.
    for (process, _) in processes { kill(-process.processIdentifier, SIGKILL) }
    loop.shutdown()
    do { try FileManager.default.removeItem(at: scratch) } catch { print("left behind: \(scratch.path())") }
  }

  /// Five VIPs, each with what an operator may have pasted there.
  private var configuration: String {
    let answer = #"http-request return status 200 content-type text/plain hdr X-Certfleet-Pair"#
    func rule(_ pair: String, _ thumbprint: String) -> String {
      "\(answer) \(pair) lf-string \"%[path,field(-1,/)].\(thumbprint)\\n\" if { path_beg /.well-known/acme-challenge/ }"
    }
    return """
      defaults
        mode http
        timeout connect 5s
        timeout client 30s
        timeout server 30s
      frontend own
        bind \(block).1:\(web)
        http-request redirect location http://loop.test%[path] code 302 if { req.hdr(host) -i loop.test }
        http-request redirect location http://good.test%[path] code 302 if { req.hdr(host) -i hop.test }
        http-request redirect location http://good.test:8080%[path] code 302 if { req.hdr(host) -i port.test }
        http-request return status 404 if { req.hdr(host) -i untold.test }
        \(rule("own", Self.thumbprint))
      frontend foreign
        bind \(block).2:\(web)
        \(rule("foreign", Self.thumbprint))
      frontend rekeyed
        bind \(block).3:\(web)
        \(rule("rekeyed", "AAAAAXh8uDCcd-6MNwXF4W_7noWXFZAfHkxZsRGC9Xs"))
      frontend tunnel
        bind \(block).4:\(web)
        default_backend letsencrypt
      backend letsencrypt
        server none \(block).4:1
      frontend crossed
        bind \(block).5:\(web)
        \(rule("own", Self.thumbprint))

      """
  }

  private var zone: [String] {
    func point(_ name: String, _ host: Int) -> String { "--host-record=\(name).test,\(block).\(host)" }
    let caa = "000569737375653b"  // 0 issue ";"
    return [
      "--keep-in-foreground", "--no-resolv", "--no-hosts", "--conf-file=/dev/null", "--pid-file=", "--user=",
      "--port=\(dns)", "--listen-address=127.0.0.1", "--bind-interfaces", "--local=/test/",
      point("good", 1), point("stray", 1), "--host-record=stray.test,2001:db8::1", point("loop", 1), point("hop", 1),
      point("port", 1), point("untold", 1), point("elsewhere", 99), point("foreign", 2), point("rekeyed", 3),
      point("tunnel", 4), point("crossed", 5), point("closed", 6), point("caa", 1), point("www.caa", 1),
      "--dns-rr=caa.test,257,\(caa)", "--txt-record=empty.test,nothing", "--cname=alias.test,good.test",
    ]
  }

  /// The fleet that the addresses belong to.
  var inventory: Inventory {
    func pair(_ id: String, _ customer: String, _ host: Int, _ challenge: ChallengeMethod) -> Pair {
      Pair(
        id: PairID(id), customer: CustomerID(customer), appliance: .haproxy,
        nodes: [
          Node(
            id: NodeID("\(id)-a"), address: "\(block).\(host)", ssh: SSHSettings(user: "root"), active: .address,
            challenge: challenge, terminations: [])
        ], vips: [VIP(id: VIPID("web"), address: "\(block).\(host)", httpPort: web)])
    }
    return Inventory(
      path: "/fleet.yaml", state: "/state",
      authorities: [Authority(id: AuthorityID("ca"), directory: "https://ca.example/dir")], mail: nil,
      customers: [Customer(id: CustomerID("acme"), name: "Acme"), Customer(id: CustomerID("zeta"), name: "Zeta")],
      pairs: [
        pair("own", "acme", 1, .usualThumbprint), pair("foreign", "zeta", 2, .usualThumbprint),
        pair("rekeyed", "acme", 3, .usualThumbprint), pair("tunnel", "acme", 4, .tunnel(port: 8888)),
        pair("crossed", "acme", 5, .usualThumbprint), pair("closed", "acme", 6, .usualThumbprint),
      ], domainFiles: [], resolvers: ["127.0.0.1:\(dns)"])
  }

  func preflight(resolvers: [String]? = nil) -> Preflight {
    Preflight(
      http: HTTPClient(loop: loop), resolvers: resolvers ?? inventory.resolvers, thumbprint: Self.thumbprint,
      inventory: inventory, issuer: CAAIssuer(identities: ["letsencrypt.org"], account: nil), clock: SystemClock())
  }

  func subject(_ name: String, _ pair: String = "own", isAllowed: Bool = true) -> Preflight.Subject {
    Preflight.Subject(
      name: "\(name).test", vip: VIPReference(pair: PairID(pair), vip: VIPID("web")), customer: CustomerID("acme"),
      method: pair == "tunnel" ? .tunnel(port: 8888) : .usualThumbprint, isAllowed: isAllowed)
  }

  private func isReady() async -> Bool {
    let deadline = ContinuousClock.now + .seconds(30)
    let resolver = Resolver(servers: ["127.0.0.1:\(dns)"], timeout: .seconds(1), tries: 1)
    let http = HTTPClient(loop: loop)
    while ContinuousClock.now < deadline, processes.allSatisfy(\.process.isRunning) {
      do {
        if await resolver.lookup("good.test", .a) == .records([.address("\(block).1")]) {
          _ = try await http.send(HTTPRequest(url: "http://\(block).1:\(web)/", deadline: .seconds(5)))
          return true
        }
        try await Task.sleep(for: .milliseconds(20))  // between two looks
      } catch {
        continue
      }
    }
    return false
  }

  private func launch(_ words: [String]) throws {
    let process = Process()
    let lifeline = Pipe()
    process.executableURL = URL(filePath: "/bin/sh")
    process.arguments = ["-c", "\"$@\" </dev/null >/dev/null 2>&1 & read -r _; kill $!; wait $!", "sh"] + words
    process.standardInput = lifeline
    try process.run()
    processes.append((process, lifeline))
  }

  private static func freePort() throws -> UInt16 {
    let descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
    defer { close(descriptor) }
    var address = sockaddr_in()
    address.sin_family = sa_family_t(AF_INET)
    address.sin_addr.s_addr = UInt32(0x7f00_0001).bigEndian
    var size = socklen_t(MemoryLayout<sockaddr_in>.size)
    let bound = withUnsafeMutablePointer(to: &address) { pointer in
      pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { generic in
        bind(descriptor, generic, size) == 0 && getsockname(descriptor, generic, &size) == 0
      }
    }
    guard bound else { throw CannotStart() }
    return UInt16(bigEndian: address.sin_port)
  }

  private static func find(_ name: String) -> String? {
    ["/usr/sbin/", "/usr/bin/", "/usr/local/sbin/"].map { $0 + name }.first {
      FileManager.default.isExecutableFile(atPath: $0)
    }
  }
}
