/// Reads `terminations:` of a node; what is left out comes from the kind of appliance.
struct TerminationReader {
  let context: ReadingContext
  let appliance: Pair.Appliance
  let vips: [VIPID]

  static let haproxyKeys = [
    "vips", "certificates", "crt_list", "config", "socket", "reload", "master", "binary", "probe",
  ]
  static let stunnelKeys = [
    "vips", "certificates", "config", "include", "service", "connect", "pid", "log", "reload", "probe",
  ]
  static let probeKeys = ["address", "port"]

  func read(_ node: Section, _ title: String) -> [Termination] {
    guard let items = node.list("terminations") else { return usual(node, title) }
    let terminations = items.compactMap { read($0, title) }
    if items.isEmpty {
      context.faults.error(
        at: node.location(of: "terminations"), "\(title) has no termination",
        remedy: "write `- haproxy: {…}` or `- stunnel: {…}`")
    }
    // A VIP that nothing holds would be issued for and never served.
    if terminations.count == items.count, !terminations.contains(where: { $0.vips == nil }) {
      for vip in vips where !terminations.contains(where: { $0.vips?.contains(vip) == true }) {
        context.faults.error(
          at: node.location(of: "terminations"), "no termination of \(title) holds VIP “\(vip)”",
          remedy: "add it to `vips:` of one, or leave `vips:` out to mean all")
      }
    }
    return terminations
  }

  private func usual(_ node: Section, _ title: String) -> [Termination] {
    switch appliance {
    case .loadbalancerOrg, .haproxy: return [.haproxy(Self.usualHAProxy(appliance))]
    case .stunnel: return [.stunnel(Self.usualStunnel(appliance))]
    case .command:
      node.missing("terminations", remedy: "appliance “command” has no usual paths: write `terminations:`")
      return []
    }
  }

  /// Paths of the vendor's appliance, else of Debian's package.
  static func usualHAProxy(_ appliance: Pair.Appliance) -> HAProxyTermination {
    switch appliance {
    case .loadbalancerOrg:
      // Its base is el6: init scripts, no systemd.
      HAProxyTermination(
        certificates: "/etc/loadbalancer.org/certs/%label%/%label%.pem", configuration: ["/etc/haproxy/haproxy.cfg"],
        socket: "/var/run/haproxy.stat", reload: "service haproxy reload")
    case .haproxy, .stunnel, .command:
      HAProxyTermination(certificates: "/etc/haproxy/certs", socket: "/run/haproxy/admin.sock")
    }
  }

  /// Paths of the vendor's appliance, else of Debian's package.
  static func usualStunnel(_ appliance: Pair.Appliance) -> StunnelTermination {
    switch appliance {
    case .loadbalancerOrg:
      StunnelTermination(
        certificates: "/etc/loadbalancer.org/certs/%label%/%label%.pem", pidFile: "/var/run/stunnel/stunnel.pid")
    case .haproxy, .stunnel, .command:
      StunnelTermination(certificates: "/etc/stunnel/certs", pidFile: "/var/run/stunnel4/stunnel.pid")
    }
  }

  private func read(_ item: ConfigurationNode, _ title: String) -> Termination? {
    switch item.value {
    case .scalar("haproxy", _): return .haproxy(Self.usualHAProxy(appliance))
    case .scalar("stunnel", _): return .stunnel(Self.usualStunnel(appliance))
    case .mapping(let entries) where entries.count == 1:
      if entries[0].key == "haproxy" { return .haproxy(haproxy(entries[0].value, title)) }
      if entries[0].key == "stunnel" { return .stunnel(stunnel(entries[0].value, title)) }
      let key = entries[0].key
      context.faults.error(
        at: entries[0].keyLocation, "“\(Printable.short(key, 40))” is no kind of termination",
        remedy: Spelling.remedy(for: key, among: ["haproxy", "stunnel"], "termination"))
      return nil
    case .scalar, .sequence, .mapping:
      context.faults.error(
        at: item.location, "a termination of \(title) is neither haproxy nor stunnel",
        remedy: "write `- haproxy: {…}` or `- stunnel: {…}`; mind the indentation")
      return nil
    }
  }

  private func haproxy(_ node: ConfigurationNode, _ title: String) -> HAProxyTermination {
    let section = Section(node, "“haproxy” of \(title)", keys: Self.haproxyKeys, context)
    var result = Self.usualHAProxy(appliance)
    result.vips = vips(section)
    if let template = certificates(section) { result.certificates = template }
    result.crtList = remotePath(section, "crt_list")
    let configuration = section.texts("config").compactMap { remotePath($0.text, at: $0.location) }
    if !configuration.isEmpty { result.configuration = configuration }
    if section.text("socket") == "none" {
      result.socket = nil
    } else if let socket = remotePath(section, "socket") {
      result.socket = socket
    }
    if let reload = section.text("reload") { result.reload = reload }
    result.master = remotePath(section, "master")
    if result.master != nil, section.entry("reload") != nil {
      context.faults.error(
        at: section.location(of: "reload"), "“reload” and “master” are two ways to reload one HAProxy",
        remedy: "leave one of them out")
    }
    if let binary = section.text("binary") { result.binary = binary }
    result.probe = probe(section)
    return result
  }

  private func stunnel(_ node: ConfigurationNode, _ title: String) -> StunnelTermination {
    let section = Section(node, "“stunnel” of \(title)", keys: Self.stunnelKeys, context)
    var result = Self.usualStunnel(appliance)
    result.vips = vips(section)
    if let template = certificates(section) { result.certificates = template }
    if let configuration = remotePath(section, "config") { result.configuration = configuration }
    result.include = remotePath(section, "include")
    result.service = word(section, "service")
    result.connect = word(section, "connect")
    if let pid = remotePath(section, "pid") { result.pidFile = pid }
    result.log = remotePath(section, "log")
    result.reload = section.text("reload")
    result.probe = probe(section)
    if result.include != nil {
      for (key, value) in [("service", result.service), ("connect", result.connect)] where value == nil {
        if section.entry(key) == nil {
          section.missing(
            key,
            remedy: "sections that certfleet adds under `include:` need it; leave `include:` out to write them yourself"
          )
        }
      }
    }
    return result
  }

  private func vips(_ section: Section) -> [VIPID]? {
    guard section.entry("vips") != nil else { return nil }
    return section.texts("vips").compactMap { item in
      if vips.contains(VIPID(item.text)) { return VIPID(item.text) }
      context.faults.error(
        at: item.location, "this pair has no VIP “\(Printable.short(item.text, 64))”",
        remedy: Spelling.remedy(for: item.text, among: vips.map(\.rawValue), "VIP"))
      return nil
    }
  }

  private func certificates(_ section: Section) -> String? {
    guard let template = remotePath(section, "certificates") else { return nil }
    if template.replacing("%label%", with: "").contains("%") {
      context.faults.error(
        at: section.location(of: "certificates"), "“certificates” has a “%” that is no %label%",
        remedy: "write a directory, or a path with %label% in it")
      return nil
    }
    return template == "/" ? template : String(template.reversed().drop { $0 == "/" }.reversed())
  }

  /// stunnel's file has no quoting: a line end or blank in a value would be a second option.
  private func word(_ section: Section, _ key: String) -> String? {
    guard let text = section.text(key) else { return nil }
    let forbidden = key == "service" ? ";[]" : ";"
    if !text.contains(where: { $0.isWhitespace || forbidden.contains($0) }) { return text }
    context.faults.error(
      at: section.location(of: key), "“\(key)” has a character that stunnel would misread", remedy: "write one word")
    return nil
  }

  private func remotePath(_ section: Section, _ key: String) -> String? {
    section.text(key).flatMap { remotePath($0, at: section.location(of: key)) }
  }

  private func remotePath(_ path: String, at location: SourceLocation) -> String? {
    if RemotePath.isAbsolute(path) { return path }
    context.faults.error(
      at: location, "“\(Printable.short(path, 64))” is no absolute path on the node",
      remedy: "start it with / or ~/, without “..”")
    return nil
  }

  private func probe(_ section: Section) -> ProbeAddress? {
    guard let probe = section.section("probe", keys: Self.probeKeys) else { return nil }
    let port = probe.port("port") ?? 443
    guard let text = probe.text("address", orMissing: "write an address of this node itself, never a VIP") else {
      return nil
    }
    guard let address = NetworkAddress.canonical(text) else {
      context.faults.error(
        at: probe.location(of: "address"), "“\(Printable.short(text, 64))” is no IPv4 or IPv6 address",
        remedy: "write an address of this node itself, never a VIP")
      return nil
    }
    return ProbeAddress(address: address, port: port)
  }
}
