/// Several resolvers, each asked by itself: where they differ, a name is on its way, or half of its name servers are broken.
///
/// c-ares takes the next server only when one is silent, so what the second one thinks never shows; the CA asks from several places.
public struct ResolverPanel: Sendable {
  /// What one resolver said.
  public struct Opinion: Sendable, Equatable {
    /// `address:port`, or `the system's resolver`.
    public let resolver: String
    /// What it sent.
    public let reply: DNSReply

    /// Its answer.
    public var answer: DNSAnswer { reply.answer }

    /// Collects the parts.
    public init(resolver: String, reply: DNSReply) {
      self.resolver = resolver
      self.reply = reply
    }
  }

  private struct Member: Sendable {
    let name: String
    let resolver: Resolver
    let silence = Silence()
  }

  private let members: [Member]
  /// Whether these resolvers were named by a person. The system's own may be a company's, which speaks with authority of zones that the
  /// world knows otherwise.
  public let isChosen: Bool

  /// - Parameters:
  ///   - servers: `ip:port` or `[ip]:port` each; none means those of the system, as one.
  ///   - timeout: for the first try; later rounds wait longer.
  ///   - tries: how often each is asked.
  public init(servers: [String] = [], timeout: Duration = .seconds(2), tries: Int = 3) {
    isChosen = !servers.isEmpty
    members =
      servers.isEmpty
      ? [Member(name: "the system's resolver", resolver: Resolver(timeout: timeout, tries: tries))]
      : servers.map { Member(name: $0, resolver: Resolver(servers: [$0], timeout: timeout, tries: tries)) }
  }

  /// Asks each, at the same time; the answers are in the order of the resolvers.
  public func lookup(_ name: String, _ type: RecordType) async -> [Opinion] {
    if let only = members.first, members.count == 1 { return [await Self.ask(only, name, type)] }
    return await withTaskGroup(of: Answer.self) { group in
      for (index, member) in members.enumerated() {
        group.addTask {
          let opinion = await Self.ask(member, name, type)
          return Answer(index: index, opinion: opinion)
        }
      }
      return await group.reduce(into: [Answer]()) { $0.append($1) }.sorted { $0.index < $1.index }.map(\.opinion)
    }
  }

  /// One resolver's, by its place in the list. No tuple: Docs/decisions/0010.
  private struct Answer: Sendable {
    var index: Int
    var opinion: Opinion
  }

  private static func ask(_ member: Member, _ name: String, _ type: RecordType) async -> Opinion {
    guard await member.silence.mayAsk() else {
      return Opinion(resolver: member.name, reply: DNSReply(.timedOut))
    }
    var reply = await member.resolver.ask(name, type)
    // A resolver that is just looking for the name servers says SERVFAIL once and knows better a moment later.
    if reply.answer == .serverFailure, !Task.isCancelled { reply = await member.resolver.ask(name, type) }
    await member.silence.learn(hasAnswered: reply.answer != .timedOut && reply.answer != .noServer)
    return Opinion(resolver: member.name, reply: reply)
  }

  /// Whether a resolver is worth the wait: ten thousand questions to one that is down would take hours, 14 s each.
  private actor Silence {
    private static let most = 16
    private static let probeEach = 64
    private var unanswered = 0
    private var skipped = 0

    func mayAsk() -> Bool {
      guard unanswered >= Self.most else { return true }
      skipped += 1
      return skipped % Self.probeEach == 0
    }

    func learn(hasAnswered: Bool) { unanswered = hasAnswered ? 0 : unanswered + 1 }
  }
}
