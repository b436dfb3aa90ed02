public import Fleet
public import Foundation

/// What a node is and can do: the result of one survey, kept in the journal as JSON.
public struct NodeFacts: Sendable, Equatable, Codable {
  /// `uname -s -r`.
  public var system: String
  /// The distribution's or appliance's own name for itself.
  public var release: String
  /// What runs our scripts, as far as it can be told: `bash 4.1.2`, `dash or ash`, `busybox`.
  public var shell: String
  /// The login, as `id -un` says, after sudo.
  public var login: String
  /// `openssl version`.
  public var openssl: SoftwareVersion?
  /// `haproxy -v`.
  public var haproxy: SoftwareVersion?
  /// `stunnel -version`.
  public var stunnel: SoftwareVersion?
  /// What can talk to a Unix socket.
  public var socketClient: SocketClient
  /// Node clock minus ours, in seconds, if it could be read.
  public var clockSkew: Int?
  /// Free space of the work directory's file system in KiB.
  public var freeKiB: Int?
  /// Whether the work directory could be made and written.
  public var workIsWritable: Bool
  /// One for each of the node's terminations, in the inventory's order.
  public var terminations: [TerminationFacts]
  /// Names of the rollouts that left a directory there: cut short, or a node that died under them.
  public var leftovers: [String]?
  /// Attempts whose keys have lain there for ``oldKeyDays`` and more.
  public var oldKeys: [AttemptID]?
  /// Who worked here last, as the marks beside the certificates say.
  public var marks: [NodeMark]?
  /// When it was asked.
  public var surveyedAt: Date

  /// Days after which a key that no certificate holds has no use any more: no order lasts that long, and a certificate that was never rolled
  /// out in that time is due for another.
  public static let oldKeyDays = 60

  /// Collects the parts.
  public init(
    system: String = "", release: String = "", shell: String = "", login: String = "", openssl: SoftwareVersion? = nil,
    haproxy: SoftwareVersion? = nil, stunnel: SoftwareVersion? = nil, socketClient: SocketClient = .none,
    clockSkew: Int? = nil, freeKiB: Int? = nil, workIsWritable: Bool = true, terminations: [TerminationFacts] = [],
    leftovers: [String]? = nil, surveyedAt: Date
  ) {
    self.system = system
    self.release = release
    self.shell = shell
    self.login = login
    self.openssl = openssl
    self.haproxy = haproxy
    self.stunnel = stunnel
    self.socketClient = socketClient
    self.clockSkew = clockSkew
    self.freeKiB = freeKiB
    self.workIsWritable = workIsWritable
    self.terminations = terminations
    self.leftovers = leftovers
    self.surveyedAt = surveyedAt
  }

  /// What HAProxy's version allows without a reload.
  public var hotUpdate: HotUpdate {
    guard let haproxy, socketClient != .none else { return .none }
    // src/ssl_sock.c: `set`/`commit ssl cert` since 2.1; `new ssl cert` and `add ssl crt-list` since 2.2.
    if haproxy < SoftwareVersion(2, 1) { return .none }
    return haproxy < SoftwareVersion(2, 2) ? .replace : .replaceAndAdd
  }

  /// Why a reload serves a batch better than as many hot updates, if it does.
  ///
  /// A hot update disturbs nobody but costs some 30 ms a certificate, one after another; a reload costs the load time twice (check and start) and
  /// leaves old workers until their connections end. So a reload is chosen only where it saves half a minute and is four times as quick.
  public func reasonToReload(_ certificates: Int, at termination: Int) -> String? {
    guard hotUpdate != .none, terminations.indices.contains(termination),
      let load = terminations[termination].loadMilliseconds
    else { return nil }
    let (hot, reload) = (certificates * 30, load * 2)
    guard hot - reload >= 30_000, hot >= 4 * reload else { return nil }
    return "\(certificates) hot updates would take about \(hot / 1_000) s, a reload about \(reload / 1_000) s"
  }

  /// What a payload on the stats socket may hold: `tune.bufsize` (16 KiB) before 3.4, then 128 KiB.
  public var payloadLimit: Int {
    guard let haproxy, haproxy >= SoftwareVersion(3, 4) else { return 16_000 }
    return 128_000
  }
}

/// A way to talk to a Unix socket from a shell.
public enum SocketClient: String, Sendable, Codable, CaseIterable {
  case socat, nc, python3, python, perl, none
}

/// What can be changed in a running HAProxy.
public enum HotUpdate: String, Sendable, Codable, CaseIterable {
  /// Only by reload.
  case none
  /// Certificates that it already has (2.1).
  case replace
  /// New ones too (2.2).
  case replaceAndAdd
}

/// What was found about one termination.
public struct TerminationFacts: Sendable, Equatable, Codable {
  /// Whether its certificate directory exists and the login may write there.
  public var directoryIsWritable: Bool
  /// HAProxy: whether `-c` passes; nil where the login could not try, and for stunnel, which has no such check.
  public var configurationPasses: Bool?
  /// The first line of the check's complaint.
  public var complaint: String?
  /// HAProxy: what the stats socket said; stunnel: whether the process of the pid file lives and may be signalled.
  public var control: Control
  /// The version that the running HAProxy tells, which may be older than the binary.
  public var runningVersion: SoftwareVersion?
  /// How long HAProxy's own check took, which loads every certificate: what a reload costs at least.
  public var loadMilliseconds: Int?
  /// What was noticed that nobody asked for: certificates and sections that are never used.
  public var notices: [String]?

  /// Collects the parts.
  public init(
    directoryIsWritable: Bool, configurationPasses: Bool? = nil, complaint: String? = nil, control: Control,
    runningVersion: SoftwareVersion? = nil, loadMilliseconds: Int? = nil, notices: [String]? = nil
  ) {
    self.directoryIsWritable = directoryIsWritable
    self.configurationPasses = configurationPasses
    self.complaint = complaint
    self.control = control
    self.runningVersion = runningVersion
    self.loadMilliseconds = loadMilliseconds
    self.notices = notices
  }

  /// How the running process can be reached.
  public enum Control: String, Sendable, Codable {
    /// The socket answers `level admin` commands; the process can be signalled.
    case works
    /// It answers, but may not change certificates.
    case notAdmin
    /// It does not answer.
    case silent
    /// None is configured.
    case notConfigured
  }
}

/// A version of a program, compared by its numbers.
public struct SoftwareVersion: Sendable, Equatable, Comparable, Codable, CustomStringConvertible {
  /// The numbers, such as 2, 6, 12.
  public var numbers: [Int]
  /// The text it was read from.
  public var text: String

  /// Names a version.
  public init(_ numbers: Int...) {
    self.numbers = numbers
    text = numbers.map(String.init).joined(separator: ".")
  }

  /// Finds the first word of the form `1.2…` in a text: `HAProxy version 2.6.12-1+deb12u4`, `stunnel 5.68 on …`, `OpenSSL 1.0.1e-fips`.
  public init?(in text: String) {
    let words = text.split { $0 == " " || $0 == "(" || $0 == ")" || $0 == "," }
    guard let word = words.first(where: { $0.first?.isNumber == true && $0.contains(".") }) else { return nil }
    let numeric = word.prefix { $0.isNumber || $0 == "." }
    numbers = numeric.split(separator: ".").compactMap { Int($0) }
    self.text = String(word.prefix(40))
    if numbers.isEmpty { return nil }
  }

  /// The text it was read from.
  public var description: String { text }

  /// By numbers; missing ones count as zero.
  public static func < (left: Self, right: Self) -> Bool {
    for index in 0..<max(left.numbers.count, right.numbers.count) {
      let (one, other) = (left.number(index), right.number(index))
      if one != other { return one < other }
    }
    return false
  }

  private func number(_ index: Int) -> Int { index < numbers.count ? numbers[index] : 0 }
}
