public import Fleet

/// Something that a node lacks, with the remedy.
public struct Lack: Sendable, Equatable, Codable {
  /// What is missing.
  public var what: String
  /// What to do, as `enroll` prints it.
  public var remedy: String
  /// Whether the node cannot be worked with at all.
  public var isFatal: Bool

  /// Collects the parts.
  public init(what: String, remedy: String, isFatal: Bool = false) {
    self.what = what
    self.remedy = remedy
    self.isFatal = isFatal
  }

  /// As a failure for the journal.
  public func failure(node: NodeID) -> Failure { Failure(.toolMissing, "\(what); \(remedy)", node: node) }

  /// Everything that a survey found missing, what is fatal first.
  static func all(_ facts: NodeFacts, on node: Node) -> [Lack] {
    var lacks = ofNode(facts, node)
    for (termination, found) in zip(node.terminations, facts.terminations) {
      switch termination {
      case .haproxy(let haproxy): lacks += ofHAProxy(haproxy, found, facts, node)
      case .stunnel(let stunnel): lacks += ofStunnel(stunnel, found, facts, node)
      }
    }
    for notice in facts.terminations.flatMap({ $0.notices ?? [] }) {
      lacks.append(Lack(what: notice, remedy: "remove or rename the one that should not be there"))
    }
    return lacks.filter(\.isFatal) + lacks.filter { !$0.isFatal }
  }

  private static func ofNode(_ facts: NodeFacts, _ node: Node) -> [Lack] {
    var lacks: [Lack] = []
    if let openssl = facts.openssl {
      if openssl < SoftwareVersion(1, 0, 1) {
        lacks.append(
          Lack(
            what: "openssl \(openssl) is older than 1.0.1", remedy: "install a newer openssl on the node",
            isFatal: true))
      }
    } else {
      lacks.append(Lack(what: "no openssl command", remedy: "install openssl on the node", isFatal: true))
    }
    if !facts.workIsWritable {
      lacks.append(
        Lack(
          what: "\(node.work) cannot be written by \(facts.login), or is not its own",
          remedy: "give the node a `work:` directory that the login or root owns, no link, closed to others",
          isFatal: true))
    }
    if let free = facts.freeKiB, free < 10_240 {
      lacks.append(Lack(what: "only \(free) KiB free in \(node.work)", remedy: "make room on the node's disk"))
    }
    // 5 minutes: a CA back-dates certificates by an hour, so less does no harm, yet log times stay comparable.
    if let skew = facts.clockSkew, abs(skew) > 300 {
      lacks.append(
        Lack(
          what: "the node's clock is \(abs(skew)) s \(skew > 0 ? "ahead" : "behind")",
          remedy: "let NTP set the clock; clients see a certificate by their own clock, checks on the node by this one")
      )
    }
    return lacks
  }

  private static func ofHAProxy(
    _ haproxy: HAProxyTermination, _ found: TerminationFacts, _ facts: NodeFacts, _ node: Node
  ) -> [Lack] {
    var lacks: [Lack] = []
    if facts.haproxy == nil {
      lacks.append(
        Lack(what: "no \(haproxy.binary) command", remedy: "correct `binary:`; without it no PEM can be checked"))
    }
    lacks += directory(haproxy.certificates, found, facts)
    if found.configurationPasses == false {
      lacks.append(
        Lack(
          what: "this node cannot restart: HAProxy's own check refuses its configuration: \(found.complaint ?? "")",
          remedy: "repair the configuration; until then certificates are only changed in memory and on disk"))
    }
    guard let socket = haproxy.socket else { return lacks }
    switch found.control {
    case .works, .notConfigured: break
    case .notAdmin:
      lacks.append(
        Lack(
          what: "the socket \(socket) may not change certificates",
          remedy: "stats socket \(socket) mode 660 level admin"))
    case .silent:
      lacks.append(
        Lack(
          what: facts.socketClient == .none ? "nothing can talk to \(socket)" : "\(socket) does not answer",
          remedy: facts.socketClient == .none
            ? "install socat on the node; until then every batch costs a reload"
            : "correct `socket:`, or let \(facts.login) into its group; until then every batch costs a reload"))
    }
    return lacks
  }

  private static func ofStunnel(
    _ stunnel: StunnelTermination, _ found: TerminationFacts, _ facts: NodeFacts, _ node: Node
  ) -> [Lack] {
    var lacks = directory(stunnel.certificates, found, facts)
    if found.control == .silent {
      lacks.append(
        Lack(
          what: "stunnel cannot be reloaded: \(found.complaint ?? "no running process")",
          remedy:
            "start it if it does not run; else correct `pid-file:`, or give a `reload:` command that the login may run",
          isFatal: true))
    } else if let complaint = found.complaint {
      lacks.append(Lack(what: complaint, remedy: "let \(facts.login) read the log and write the include directory"))
    }
    return lacks
  }

  private static func directory(_ path: String, _ found: TerminationFacts, _ facts: NodeFacts) -> [Lack] {
    if found.directoryIsWritable { return [] }
    return [
      Lack(
        what: "\(facts.login) cannot write where \(path) points",
        remedy: "make the directory, and open it to the login by group or ACL: setfacl -m u:\(facts.login):rwx DIR",
        isFatal: true)
    ]
  }
}
