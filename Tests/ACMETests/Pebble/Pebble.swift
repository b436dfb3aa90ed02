import ACME
import Foundation
import Net
import PKI

/// A real Pebble with its DNS and challenge server, for one test: own ports on loopback, own TLS certificate, strict, refusing nonces.
///
/// Both end when the value goes, and also when this process dies: each runs under a shell that waits for the end of a pipe.
final class Pebble {
  struct Options {
    var nonceReject = 15
    /// `false`: names are truly validated.
    var alwaysValid = true
    var reuseAuthorizations = 0
    var alternateRoots = 0
    /// Key names and MAC keys; empty: no external account is wanted.
    var externalAccounts: [String: String] = [:]
    var blocked: [String] = []
  }

  static let isInstalled =
    Tool.find("pebble") != nil && Tool.find("pebble-challtestsrv") != nil && Tool.find("openssl") != nil
  /// In CI a missing tool is a failure, elsewhere a skip that says so.
  static var mayRun: Bool { isInstalled || ProcessInfo.processInfo.environment["CI"] != nil }
  static let skipReason = "pebble, pebble-challtestsrv or openssl is not installed (apt-get install pebble openssl)"

  let directoryURL: String
  let trust: Trust
  private let management: String
  private let scratch: String
  private var processes: [(process: Process, lifeline: Pipe)] = []
  private let http: HTTPClient

  static func start(_ options: Options = Options()) async throws -> Pebble {
    // Another process may take a port between its choice and its use.
    for _ in 0..<5 {
      let pebble = try Pebble(options)
      if try await pebble.isReady() { return pebble }
    }
    throw Tool.Failure(description: "Pebble did not start")
  }

  private init(_ options: Options) throws {
    scratch = NSTemporaryDirectory() + "pebble-\(UUID().uuidString)"
    try FileManager.default.createDirectory(atPath: scratch, withIntermediateDirectories: true)
    http = HTTPClient(loop: CurlLoop())
    let ports = try FreePorts.take(6)
    directoryURL = "https://127.0.0.1:\(ports[0])/dir"
    management = "http://127.0.0.1:\(ports[2])"
    trust = .bundle(scratch + "/tls.pem")

    try Tool.run(
      "/usr/bin/openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days",
      "2",
      "-subj", "/CN=pebble", "-addext", "subjectAltName=IP:127.0.0.1", "-keyout", scratch + "/tls.key", "-out",
      scratch + "/tls.pem")
    try writeConfiguration(options, ports: ports)

    let challenges = Tool.find("pebble-challtestsrv") ?? "pebble-challtestsrv"
    try launch(
      [
        challenges, "-defaultIPv4", "127.0.0.1", "-defaultIPv6", "", "-dns01", "127.0.0.1:\(ports[3])", "-http01",
        "127.0.0.1:\(ports[4])", "-https01", "", "-tlsalpn01", "", "-management", "127.0.0.1:\(ports[2])",
      ], environment: [:])
    try launch(
      [
        Tool.find("pebble") ?? "pebble", "-strict", "-config", scratch + "/config.json", "-dnsserver",
        "127.0.0.1:\(ports[3])",
      ],
      environment: [
        "PEBBLE_VA_NOSLEEP": "1", "PEBBLE_VA_ALWAYS_VALID": options.alwaysValid ? "1" : "0",
        "PEBBLE_WFE_NONCEREJECT": "\(options.nonceReject)", "PEBBLE_AUTHZREUSE": "\(options.reuseAuthorizations)",
        "PEBBLE_ALTERNATE_ROOTS": "\(options.alternateRoots)",
      ])
  }

  private func writeConfiguration(_ options: Options, ports: [UInt16]) throws {
    var pebble: [String: Any] = [
      "listenAddress": "127.0.0.1:\(ports[0])", "managementListenAddress": "127.0.0.1:\(ports[1])",
      "certificate": scratch + "/tls.pem", "privateKey": scratch + "/tls.key", "httpPort": Int(ports[4]),
      "tlsPort": Int(ports[5]), "ocspResponderURL": "", "certificateValidityPeriod": 7_776_000,
      "externalAccountBindingRequired": !options.externalAccounts.isEmpty, "domainBlocklist": options.blocked,
    ]
    if !options.externalAccounts.isEmpty { pebble["externalAccountMACKeys"] = options.externalAccounts }
    let data = try JSONSerialization.data(withJSONObject: ["pebble": pebble])
    try data.write(to: URL(fileURLWithPath: scratch + "/config.json"))
  }

  private func launch(_ command: [String], environment: [String: String]) throws {
    let process = Process()
    process.executableURL = URL(fileURLWithPath: "/bin/sh")
    process.arguments = ["-c", #""$@" & child=$!; cat >/dev/null; kill "$child"; wait "$child""#, "sh"] + command
    process.environment = ProcessInfo.processInfo.environment.merging(environment) { _, new in new }
    let lifeline = Pipe()
    process.standardInput = lifeline
    let log = scratch + "/\(processes.count).log"
    guard FileManager.default.createFile(atPath: log, contents: nil), let file = FileHandle(forWritingAtPath: log)
    else {
      throw Tool.Failure(description: "cannot write \(log)")
    }
    process.standardOutput = file
    process.standardError = file
    try process.run()
    processes.append((process, lifeline))
  }

  private func isReady() async throws -> Bool {
    try await eventually(within: .seconds(15)) {
      do throws(NetError) {
        let directory = try await http.send(HTTPRequest(url: directoryURL, deadline: .seconds(2), trust: trust))
        let challenges = try await http.send(HTTPRequest(url: management, deadline: .seconds(2)))
        return directory.status == 200 && challenges.status > 0
      } catch {
        return false
      }
    }
  }

  /// A link whose requests are counted.
  func link(_ counter: RequestCounter? = nil) -> ACMEServer.Link {
    let http = http
    return ACMEServer.Link(
      transport: { (request) async throws(NetError) -> HTTPResponse in
        await counter?.add(request)
        return try await http.send(request)
      }, trust: trust, userAgent: "certfleet-tests/1", deadline: .seconds(20))
  }

  /// A client with a fresh account.
  func client(counter: RequestCounter? = nil) async throws -> ACMEClient {
    let server = try await ACMEServer.connect(to: directoryURL, over: link(counter))
    let key = try SigningKey.generate(.ecdsaP256)
    let account = try await server.register(key: key, contact: ["mailto:ops@example.com"])
    return ACMEClient(server: server, accountURL: account.url, key: key)
  }

  /// Puts a http-01 answer where Pebble will look.
  func present(_ proof: KeyAuthorization) async throws {
    try await tell("add-http01", ["token": proof.token, "content": proof.description])
  }

  /// Puts a dns-01 answer where Pebble will look.
  func present(_ proof: KeyAuthorization, dnsFor name: String) async throws {
    try await tell("set-txt", ["host": "_acme-challenge.\(name).", "value": proof.dnsText])
  }

  private func tell(_ command: String, _ members: [String: String]) async throws {
    let body = Array(try JSONEncoder().encode(members))
    let response = try await http.send(HTTPRequest(method: "POST", url: "\(management)/\(command)", body: body))
    guard response.status == 200 else { throw Tool.Failure(description: "\(command): \(response.status)") }
  }

  deinit {
    for (process, lifeline) in processes {
      do { try lifeline.fileHandleForWriting.close() } catch { process.terminate() }
      process.waitUntilExit()
    }
    do { try FileManager.default.removeItem(atPath: scratch) } catch { print("left behind: \(scratch): \(error)") }
  }
}

/// What a client asked for.
actor RequestCounter {
  private var sent: [(method: String, url: String)] = []

  var total: Int { sent.count }
  /// Nonces that were asked for.
  var nonces: Int { sent.count { $0.method == "HEAD" } }

  func add(_ request: HTTPRequest) { sent.append((request.method, request.url)) }
  func requests(_ matches: (String) -> Bool) -> Int { sent.count { matches($0.url) } }
  func reset() { sent = [] }
}

/// Ports that nobody holds at the moment.
enum FreePorts {
  static func take(_ count: Int) throws -> [UInt16] {
    var sockets: [Int32] = []
    defer { for socket in sockets { close(socket) } }
    var ports: [UInt16] = []
    while ports.count < count {
      let descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
      guard descriptor >= 0 else { throw Tool.Failure(description: "no socket") }
      sockets.append(descriptor)
      var address = sockaddr_in()
      address.sin_family = sa_family_t(AF_INET)
      address.sin_addr.s_addr = UInt32(0x7f00_0001).bigEndian
      var length = socklen_t(MemoryLayout<sockaddr_in>.size)
      let port = withUnsafeMutablePointer(to: &address) { pointer in
        pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { address -> Bool in
          bind(descriptor, address, length) == 0 && getsockname(descriptor, address, &length) == 0
        }
      }
      guard port else { throw Tool.Failure(description: "no port") }
      let number = UInt16(bigEndian: address.sin_port)
      // Other tools of this machine insist on these.
      if ![5_001, 5_002, 5_003, 8_053, 8_055, 14_000, 15_000].contains(number) { ports.append(number) }
    }
    return ports
  }
}
