/// The name servers of a name's own zone, found after every alias: the only ones whose no is final.
///
/// A resolver may hold an old no for hours, or see a company's inside view; what the zone's own servers say with the AA bit is what a CA's
/// resolver will hear too.
public struct ZoneServers: Sendable {
  /// What they said.
  public enum Word: Sendable, Equatable {
    /// Each server that was asked answered each question.
    case told([Statement])
    /// Something on the way there was not to be had, for this reason.
    case unclear(String)
  }

  /// What one server said.
  public struct Statement: Sendable, Equatable {
    /// Its name, or its address where it is a resolver of ours.
    public var server: String
    /// What it was asked for: the end of all aliases.
    public var name: String
    /// In the order of the questions.
    public var replies: [DNSReply]
  }

  private let panel: ResolverPanel
  private let port: UInt16
  private let timeout: Duration
  private let known = KnownZones()
  private let turns = Turns(limit: Self.zonesAtOnce)

  /// Zones asked at the same time: each server that is asked costs a thread for that moment.
  private static let zonesAtOnce = 16
  /// Servers asked of a zone. All of them hold the same zone; where these differ, nothing is certain.
  private static let serversAsked = 3
  /// Aliases in a row; Unbound follows 11, BIND 16.
  private static let mostAliases = 11

  /// - Parameters:
  ///   - panel: who is asked for aliases, zones and the servers' addresses.
  ///   - port: where name servers listen.
  public init(panel: ResolverPanel, port: UInt16 = 53, timeout: Duration = .seconds(2)) {
    self.panel = panel
    self.port = port
    self.timeout = timeout
  }

  /// Asks the zone's servers of a name for records of each type, after its aliases.
  ///
  /// Where resolvers that a person chose hold the zone themselves (a lab, a hidden primary), their own word is the zone's.
  public func ask(_ name: String, _ types: [RecordType]) async -> Word {
    guard let end = await end(of: name) else { return .unclear("the aliases of \(name) could not be followed") }
    if panel.isChosen, let own = await resolversOwnWord(end, types) { return .told(own) }
    guard let zone = await zone(of: end), !zone.servers.isEmpty else {
      return .unclear("the name servers of \(end) could not be found")
    }
    return await turns.run { () async -> Word in
      var statements: [Statement] = []
      for server in zone.servers {
        let resolver = Resolver(servers: [server.address], timeout: timeout, tries: 2)
        var replies: [DNSReply] = []
        for type in types {
          let reply = await resolver.ask(end, type)
          // One that is lame, silent or of another opinion is enough: nothing is certain then.
          guard reply.isAuthoritative else { return .unclear("\(server.name) does not speak with authority of \(end)") }
          replies.append(reply)
        }
        statements.append(Statement(server: server.name, name: end, replies: replies))
      }
      return .told(statements)
    }
  }

  /// The name at the end of all aliases; nil where one of them could not be asked for.
  private func end(of name: String) async -> String? {
    var name = name
    for _ in 0...Self.mostAliases {
      guard let opinion = await panel.lookup(name, .cname).first else { return nil }
      switch opinion.answer {
      case .records(let records):
        guard case .alias(let target) = records.first else { return nil }
        name = target
      case .noSuchName, .noData: return name
      case .serverFailure, .refused, .noServer, .timedOut, .malformed: return nil
      }
    }
    return nil
  }

  /// What chosen resolvers say, if each of them says it with authority.
  private func resolversOwnWord(_ name: String, _ types: [RecordType]) async -> [Statement]? {
    var statements: [String: Statement] = [:]
    for type in types {
      for opinion in await panel.lookup(name, type) {
        guard opinion.reply.isAuthoritative else { return nil }
        statements[opinion.resolver, default: Statement(server: opinion.resolver, name: name, replies: [])].replies
          .append(opinion.reply)
      }
    }
    let all = statements.values.sorted { $0.server < $1.server }
    return all.isEmpty || all.contains { $0.replies.count != types.count } ? nil : all
  }

  /// The nearest place at or above a name that has name servers.
  private func zone(of name: String) async -> Zone? {
    var labels = name.split(separator: ".").map(String.init)
    while !labels.isEmpty {
      let place = labels.joined(separator: ".").lowercased()
      let finding: KnownZones.Finding
      if let known = await known.finding(at: place) {
        finding = known
      } else {
        finding = await look(at: place)
        await known.learn(finding, at: place)
      }
      switch finding {
      case .zone(let zone): return zone
      case .noZone: labels.removeFirst()
      case .unclear: return nil
      }
    }
    return nil
  }

  private func look(at place: String) async -> KnownZones.Finding {
    guard let opinion = await panel.lookup(place, .ns).first else { return .unclear }
    switch opinion.answer {
    case .records(let records):
      let names = records.compactMap { record in
        if case .nameServer(let name) = record { name } else { nil }
      }.sorted()
      var servers: [Zone.Server] = []
      for name in names.prefix(Self.serversAsked) {
        guard let address = await address(of: name) else { return .unclear }
        servers.append(Zone.Server(name: name, address: address))
      }
      return servers.isEmpty ? .noZone : .zone(Zone(servers: servers))
    case .noSuchName, .noData: return .noZone
    case .serverFailure, .refused, .noServer, .timedOut, .malformed: return .unclear
    }
  }

  private func address(of server: String) async -> String? {
    for type in [RecordType.a, .aaaa] {
      guard case .records(let records)? = await panel.lookup(server, type).first?.answer else { continue }
      for case .address(let address) in records {
        return address.contains(":") ? "[\(address)]:\(port)" : "\(address):\(port)"
      }
    }
    return nil
  }

  struct Zone: Sendable, Equatable {
    var servers: [Server]

    struct Server: Sendable, Equatable {
      var name: String
      /// With its port.
      var address: String
    }
  }

  /// Thousands of names share a zone, and all of them a top-level domain.
  private actor KnownZones {
    enum Finding: Sendable {
      case zone(Zone)
      case noZone
      case unclear
    }

    private var findings: [String: Finding] = [:]

    func finding(at place: String) -> Finding? { findings[place] }

    func learn(_ finding: Finding, at place: String) {
      if case .unclear = finding { return }
      findings[place] = finding
    }
  }

  /// Lets so many in at once.
  private actor Turns {
    private var free: Int
    private var waiting: [CheckedContinuation<Void, Never>] = []

    init(limit: Int) { free = limit }

    func run(_ work: @Sendable () async -> Word) async -> Word {
      await enter()
      let word = await work()
      leave()
      return word
    }

    private func enter() async {
      if free > 0 {
        free -= 1
        return
      }
      await withCheckedContinuation { waiting.append($0) }
    }

    private func leave() {
      if waiting.isEmpty { free += 1 } else { waiting.removeFirst().resume() }
    }
  }
}
