/// Reads one node of a pair, with what it inherits from the pair and the defaults.
struct NodeReader {
  let context: ReadingContext
  let appliance: Pair.Appliance
  let vips: [VIPID]
  /// Whether the pair has this node only.
  let isAlone: Bool

  static let keys = ["id", "address"] + PairReader.inheritedKeys
  static let sshKeys = [
    "user", "port", "key", "passphrase", "passphrase_file", "passphrase_env", "password", "password_file",
    "password_env",
    "agent", "jump", "sudo",
  ]
  static let jumpKeys = ["address", "port", "user"]

  func read(_ item: ConfigurationNode, in pair: Section, _ uniqueness: inout PairReader.Uniqueness) -> Node? {
    let title = context.title("node", of: item, otherwise: "a node of \(pair.title)")
    let written = Section(item, title, keys: Self.keys, context)
    let id = written.identifier("id")
    if let id { context.claim(id, "node", at: written.location(of: "id"), in: &uniqueness.nodes) }
    let address = written.text("address", orMissing: "write the node's management address")
      .flatMap { host($0, at: written.location(of: "address")) }
    let section = written.inheriting(pair)
    let ssh = ssh(section)
    if let address {
      let jump = ssh.jump.map { " through \($0.address):\($0.port)" } ?? ""
      let endpoint = "\(address) port \(ssh.port)\(jump)"
      if let first = uniqueness.endpoints.updateValue(written.location(of: "address"), forKey: endpoint) {
        context.faults.error(
          at: written.location(of: "address"), "\(endpoint) is another node's already, at \(first)",
          remedy: "two nodes cannot be one machine; correct `address:` or `ssh: { port: }`")
      }
    }
    let terminations = TerminationReader(context: context, appliance: appliance, vips: vips).read(section, title)
    let active = active(section, title)
    let challenge = challenge(section)
    let work = work(section)
    guard let id, let address else { return nil }
    return Node(
      id: NodeID(id), address: address, ssh: ssh, work: work, active: active ?? .address, challenge: challenge,
      terminations: terminations)
  }

  private func host(_ text: String, at location: SourceLocation) -> String? {
    if let host = NetworkAddress.host(text) { return host }
    context.faults.error(
      at: location, "“\(Printable.short(text, 64))” is no host name or address",
      remedy: "write a name or an address alone; the port goes into `ssh: { port: }`")
    return nil
  }

  private func work(_ section: Section) -> String {
    let usual = "~/.certfleet"
    guard let work = section.text("work") else { return usual }
    if RemotePath.isAbsolute(work) { return work }
    context.faults.error(
      at: section.location(of: "work"), "“work” is no absolute path on the node", remedy: "start it with / or ~/")
    return usual
  }

  private func ssh(_ section: Section) -> SSHSettings {
    guard let ssh = section.section("ssh", "“ssh” of \(section.title)", keys: Self.sshKeys) else {
      context.faults.error(
        at: section.location, "\(section.title) has no way to log in",
        remedy: "write `ssh:` with a user and a `key:`, `agent: true` or `password_file:`, here or in `defaults:`")
      return SSHSettings(user: "root")
    }
    let user = ssh.text("user") ?? "root"
    let key = ssh.path("key", reading: .privateKey)
    let password = ssh.secret("password")
    let useAgent = ssh.flag("agent") ?? false
    let passphrase = ssh.secret("passphrase")
    if passphrase != nil, key == nil {
      ssh.missing("key", remedy: "the passphrase belongs to a private key: write its path")
    }
    if key == nil, password == nil, !useAgent, ssh.entry("password") == nil {
      context.faults.error(
        at: section.location, "\(section.title) has no way to log in",
        remedy: "give its `ssh:` a `key:`, `agent: true` or `password_file:`, here or in `defaults:`")
    }
    if user.hasPrefix("-") || user.contains(where: \.isWhitespace) {
      context.faults.error(
        at: ssh.location(of: "user"), "“\(Printable.short(user, 40))” is no login name", remedy: "write the login name")
    }
    return SSHSettings(
      user: user, port: ssh.port("port") ?? 22, key: key, passphrase: passphrase, password: password,
      useAgent: useAgent,
      jump: jump(ssh), sudo: ssh.flag("sudo") ?? false)
  }

  private func jump(_ ssh: Section) -> SSHSettings.Jump? {
    guard let node = ssh.node("jump") else { return nil }
    // The whole of it is replaced, never mixed: half a jump host of the defaults is no jump host.
    let jump = Section(node, "“jump” of \(ssh.title)", keys: Self.jumpKeys, context)
    let address = jump.text("address", orMissing: "write the jump host's name or address")
      .flatMap { host($0, at: jump.location(of: "address")) }
    let port = jump.port("port") ?? 22
    let user = jump.text("user")
    return address.map { SSHSettings.Jump(address: $0, port: port, user: user) }
  }

  // MARK: Active and challenge

  private static let detectors = ["address", "file", "keepalived", "carp", "heartbeat", "command", "always"]

  private func active(_ section: Section, _ title: String) -> ActiveDetector? {
    guard let node = section.node("active") else { return usualDetector(section, title) }
    if case .scalar(let word, _) = node.value {
      switch word {
      case "address": return .address
      case "heartbeat": return .heartbeat
      case "keepalived": return .keepalived(instance: nil)
      case "always":
        if isAlone { return .always }
        context.faults.error(
          at: node.location, "\(title) is one of two nodes and cannot always be active",
          remedy: "say how to tell: address, file, keepalived, carp, heartbeat or command")
        return nil
      case "file", "carp", "command":
        context.faults.error(
          at: node.location, "“active: \(word)” needs a value", remedy: "write `active: { \(word): … }`")
        return nil
      default:
        context.faults.error(
          at: node.location, "“\(Printable.short(word, 40))” is no way to tell the active node",
          remedy: Spelling.remedy(for: word, among: Self.detectors, "detector"))
        return nil
      }
    }
    let detector = Section(
      node, "“active” of \(title)", keys: ["file", "keepalived", "carp", "command"], context)
    if let path = detector.text("file") {
      return remotePath(path, at: detector.location(of: "file")).map { .statusFile($0) }
    }
    if let instance = detector.text("keepalived") { return .keepalived(instance: instance) }
    if let vhid = detector.integer("carp", in: 1...255) { return .carp(vhid: vhid) }
    if let command = detector.text("command") { return .command(command) }
    return nil
  }

  private func usualDetector(_ section: Section, _ title: String) -> ActiveDetector? {
    if isAlone { return .always }
    switch appliance {
    case .loadbalancerOrg: return .statusFile("/var/log/nodestatus_local")
    case .haproxy, .stunnel: return .address
    case .command:
      section.missing(
        "active", remedy: "appliance “command” has no usual way to tell the active node: write `active: { command: … }`"
      )
      return nil
    }
  }

  private func challenge(_ section: Section) -> ChallengeMethod {
    let usual = ChallengeMethod.usualThumbprint
    guard let node = section.node("challenge") else { return usual }
    // The port of the vendor's own manual: `backend letsencrypt` → 127.0.0.1:8888.
    let usualPort: UInt16 = 8_888
    if case .scalar(let word, _) = node.value {
      switch word {
      case "thumbprint": return usual
      case "tunnel": return .tunnel(port: usualPort)
      default:
        context.faults.error(
          at: node.location, "“\(Printable.short(word, 40))” is no way to answer challenges",
          remedy: Spelling.remedy(for: word, among: ["thumbprint", "tunnel"], "challenge"))
        return usual
      }
    }
    let challenge = Section(node, "“challenge” of \(section.title)", keys: ["thumbprint", "tunnel"], context)
    if let thumbprint = challenge.section("thumbprint", keys: ["hosts", "socket"]) {
      func path(_ key: String) -> String? {
        thumbprint.text(key).flatMap { remotePath($0, at: thumbprint.location(of: key)) }
      }
      return .thumbprint(hosts: path("hosts") ?? ChallengeMethod.usualHostsFile, socket: path("socket"))
    }
    guard let tunnel = challenge.section("tunnel", keys: ["port"]) else {
      if challenge.entry("tunnel") == nil, challenge.entry("thumbprint") == nil {
        challenge.missing(
          "tunnel", remedy: "write thumbprint, { thumbprint: { hosts: PATH } } or { tunnel: { port: 8888 } }")
      }
      return usual
    }
    return .tunnel(port: tunnel.port("port") ?? usualPort)
  }

  private func remotePath(_ path: String, at location: SourceLocation) -> String? {
    if RemotePath.isAbsolute(path) { return path }
    context.faults.error(
      at: location, "“\(Printable.short(path, 64))” is no absolute path on the node", remedy: "start it with / or ~/")
    return nil
  }
}

/// Paths on a node: never resolved here.
enum RemotePath {
  static func isAbsolute(_ path: String) -> Bool {
    (path.hasPrefix("/") || path.hasPrefix("~/")) && !path.split(separator: "/").contains("..")
  }
}
