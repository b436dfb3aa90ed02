/// Reads `pairs:` with what they inherit from `defaults:`.
struct PairReader {
  let context: ReadingContext
  let customers: [CustomerID]
  /// Whether the inventory says how keys on the controller are encrypted.
  let hasKeyPassphrase: Bool
  var windows: [MaintenanceWindow] = []

  static let inheritedKeys = [
    "ssh", "work", "active", "challenge", "terminations",
  ]
  static let defaultsKeys = ["appliance", "degraded", "drift", "keys", "reuse_keys", "windows"] + inheritedKeys
  static let keys = ["id", "customer", "shared", "vips", "nodes"] + defaultsKeys
  static let vipKeys = ["id", "address", "http", "https", "public"]

  func read(_ files: [Section]) -> [Pair] {
    var uniqueness = Uniqueness()
    let fleetDefaults = files.first?.section("defaults", "“defaults”", keys: Self.defaultsKeys)
    var pairs: [Pair] = []
    for (index, file) in files.enumerated() {
      // An included file may have defaults of its own, for its own pairs, over the root file's.
      let own = index == 0 ? nil : file.section("defaults", "“defaults”", keys: Self.defaultsKeys)
      let outer = [own, fleetDefaults].compactMap { $0 }
      for item in file.list("pairs") ?? [] {
        if let pair = read(item, outer, &uniqueness) { pairs.append(pair) }
      }
    }
    return pairs
  }

  /// What may stand only once in the whole fleet, and where it stood first.
  struct Uniqueness {
    var pairs: [String: SourceLocation] = [:]
    var nodes: [String: SourceLocation] = [:]
    var vipAddresses: [String: (pair: String, location: SourceLocation)] = [:]
    var publicAddresses: [String: (pair: String, location: SourceLocation)] = [:]
    var endpoints: [String: SourceLocation] = [:]
  }

  private func read(_ item: ConfigurationNode, _ outer: [Section], _ uniqueness: inout Uniqueness) -> Pair? {
    let title = context.title("pair", of: item, otherwise: "a pair")
    let written = Section(item, title, keys: Self.keys, context)
    let id = written.identifier("id")
    if let id { context.claim(id, "pair", at: written.location(of: "id"), in: &uniqueness.pairs) }
    let section = outer.reduce(written) { $0.inheriting($1) }

    let appliance = section.choice("appliance") ?? Pair.Appliance.haproxy
    let customer = section.text("customer").flatMap { self.customer($0, at: section.location(of: "customer")) }
    let vips = vips(section, title)
    let nodeItems = section.list("nodes") ?? []
    if section.isMapping, !(1...2).contains(nodeItems.count) {
      context.faults.error(
        at: section.entry("nodes")?.keyLocation ?? section.location, "\(title) has \(nodeItems.count) nodes",
        remedy: "a pair has one node or two")
    }
    let reader = NodeReader(
      context: context, appliance: appliance, vips: writtenVIPs(section), isAlone: nodeItems.count == 1)
    let nodes = nodeItems.compactMap { reader.read($0, in: section, &uniqueness) }
    claimAddresses(of: vips, id ?? "", behind: Set(nodes.map(\.ssh.jump)), &uniqueness)
    guard let id else { return nil }
    return Pair(
      id: PairID(id), customer: customer, appliance: appliance, nodes: nodes, vips: vips.map(\.vip),
      degraded: section.choice("degraded") ?? .waitUntilDanger, keys: keys(section),
      reusesKeys: section.flag("reuse_keys") ?? false, isShared: section.flag("shared") ?? false,
      windows: windows(of: section), drift: section.choice("drift") ?? .report)
  }

  private func windows(of section: Section) -> [MaintenanceWindow] {
    section.texts("windows").compactMap { item in
      if let window = windows.first(where: { $0.id == item.text }) { return window }
      context.faults.error(
        at: item.location, "no window “\(Printable.short(item.text, 64))”",
        remedy: windows.isEmpty
          ? "write it under `windows:` of the inventory"
          : Spelling.remedy(for: item.text, among: windows.map(\.id), "window"))
      return nil
    }
  }

  /// Keys on the controller need a passphrase: said at the key that asks for them.
  private func keys(_ section: Section) -> Pair.KeyPlace {
    let place: Pair.KeyPlace = section.choice("keys") ?? .node
    if place == .controller, !hasKeyPassphrase {
      context.faults.error(
        at: section.location(of: "keys"), "keys on the controller need a passphrase",
        remedy: "write `controller_keys:` with `passphrase_file:`, `passphrase_credential:` or `passphrase_env:`")
    }
    return place
  }

  private func customer(_ text: String, at location: SourceLocation) -> CustomerID? {
    if customers.contains(CustomerID(text)) { return CustomerID(text) }
    context.faults.error(
      at: location, "no customer “\(Printable.short(text, 64))”",
      remedy: Spelling.remedy(for: text, among: customers.map(\.rawValue), "customer"))
    return nil
  }

  /// A VIP and where its addresses are written.
  private struct WrittenVIP {
    var vip: VIP
    var location: SourceLocation
    var publicLocations: [SourceLocation]
  }

  /// The ids as written, also of VIPs with a fault, so that what refers to them is not a fault as well.
  private func writtenVIPs(_ pair: Section) -> [VIPID] {
    (pair.list("vips") ?? []).compactMap { $0.writtenID.map { VIPID($0) } }
  }

  private func vips(_ pair: Section, _ title: String) -> [WrittenVIP] {
    let items = pair.list("vips") ?? []
    if items.isEmpty, pair.isMapping {
      context.faults.error(
        at: pair.location(of: "vips"), "\(title) has no VIP", remedy: "write `vips:` with an id and an address each")
    }
    var places: [String: SourceLocation] = [:]
    return items.compactMap { item in
      let section = Section(
        item, context.title("VIP", of: item, otherwise: "a VIP of \(title)"), keys: Self.vipKeys, context)
      let id = section.identifier("id")
      if let id { context.claim(id, "VIP", at: section.location(of: "id"), in: &places) }
      let address = section.text("address", orMissing: "write the floating address")
        .flatMap { self.address($0, at: section.location(of: "address")) }
      let publicAddresses = section.texts("public").compactMap { item in
        self.address(item.text, at: item.location).map { ($0, item.location) }
      }
      let (http, https) = (section.port("http") ?? 80, section.port("https") ?? 443)
      guard let id, let address else { return nil }
      return WrittenVIP(
        vip: VIP(
          id: VIPID(id), address: address, httpPort: http, httpsPort: https, publicAddresses: publicAddresses.map(\.0)),
        location: section.location(of: "address"), publicLocations: publicAddresses.map(\.1))
    }
  }

  private func address(_ text: String, at location: SourceLocation) -> String? {
    if let address = NetworkAddress.canonical(text) { return address }
    context.faults.error(
      at: location, "“\(Printable.short(text, 64))” is no IPv4 or IPv6 address",
      remedy: text.contains("/") ? "leave the prefix length out" : "write an address such as 192.0.2.10 or 2001:db8::10"
    )
    return nil
  }

  /// One address is one pair's: two would fight for it. Sites behind different jump hosts may number alike (RFC 1918).
  private func claimAddresses(
    of vips: [WrittenVIP], _ pair: String, behind jumps: Set<SSHSettings.Jump?>, _ uniqueness: inout Uniqueness
  ) {
    let jump = jumps.count == 1 ? jumps.first.flatMap { $0 } : nil
    let site = jump.map { "\($0.address):\($0.port)" } ?? ""
    var listeners: [String: SourceLocation] = [:]
    for written in vips {
      let (vip, location) = (written.vip, written.location)
      let key = site + " " + vip.address
      if let first = uniqueness.vipAddresses[key], first.pair != pair {
        context.faults.error(
          at: location, "VIP address \(vip.address) belongs to pair “\(first.pair)” already, at \(first.location)",
          remedy: "a floating address is one pair's; correct one of them")
      } else {
        uniqueness.vipAddresses[key] = (pair, location)
      }
      if let first = listeners.updateValue(location, forKey: "\(vip.address) \(vip.httpsPort)") {
        context.faults.error(
          at: location, "two VIPs of this pair have the same address and HTTPS port; the first is at \(first)",
          remedy: "correct `address:` or `https:` of one")
      }
      for (address, location) in zip(vip.publicAddresses, written.publicLocations) {
        if let first = uniqueness.publicAddresses[address], first.pair != pair {
          context.faults.warning(
            at: location, "public address \(address) stands at pair “\(first.pair)” too, at \(first.location)",
            remedy: "the CA asks at port 80 of it, which leads to one pair only")
        } else {
          uniqueness.publicAddresses[address] = (pair, location)
        }
      }
    }
  }
}
