import Fleet
import SSH

/// What a script answered: the records between `begin` and `end`, all of them or none.
///
/// A lying, garbled or cut answer is a failure, never a success: `end` tells how many records there were.
struct Transcript: Sendable, Equatable {
  /// The records after `begin`, without the marker.
  var records: [Record]

  /// One line of an answer.
  struct Record: Sendable, Equatable {
    /// The first word.
    var name: Substring
    /// The rest of the line.
    var rest: Substring

    /// The rest in at most `count` words, the last of which is the remainder; missing ones are empty.
    func words(_ count: Int) -> [String] {
      let parts = rest.split(separator: " ", maxSplits: count - 1, omittingEmptySubsequences: false).map(String.init)
      return parts + Array(repeating: "", count: max(0, count - parts.count))
    }
  }

  /// Reads an answer.
  ///
  /// - Parameter isFirst: Nothing was done on the node yet. An answer without a byte then speaks of the login, later of a connection that was cut.
  init(_ result: CommandResult, nonce: Nonce, isFirst: Bool = false) throws(Failure) {
    let marker = "@cf \(nonce.text) "
    var records: [Record] = []
    var end: Substring?
    var isTorn = false
    for line in result.text.split(separator: "\n") where line.hasPrefix(marker) {
      let content = line.dropFirst(marker.count)
      let name = content.prefix { $0 != " " }
      let record = Record(name: name, rest: content.dropFirst(name.count + 1))
      switch name {
      case "beat": continue
      case "end": end == nil ? (end = record.rest) : (isTorn = true)
      default:
        if end != nil { isTorn = true }
        records.append(record)
      }
    }
    guard let first = records.first, first.name == "begin" else { throw Self.neverBegan(result, isFirst) }
    guard let end, !isTorn, Int(end) == records.count else {
      throw Failure(
        .interrupted,
        "the node's answer was cut after \(records.count) of \(end ?? "?") records" + Self.tail(result))
    }
    self.records = Array(records.dropFirst())
    for record in self.records where record.name == "fail" {
      let words = record.words(2)
      throw Refusal(word: words[0]).failure(words[1])
    }
  }

  /// The records of one name.
  func all(_ name: String) -> [Record] { records.filter { $0.name == name } }

  /// The first record of a name.
  func first(_ name: String) -> Record? { records.first { $0.name == name } }

  private static func neverBegan(_ result: CommandResult, _ isFirst: Bool) -> Failure {
    let said = result.errorText
    if said.contains("sudo") && (said.contains("password") || said.contains("not allowed") || said.contains("tty")) {
      return Failure(.loginRefused, "sudo -n refuses this login" + tail(result))
    }
    if result.status == 127 { return Failure(.toolMissing, "the login cannot run sh" + tail(result)) }
    guard let status = result.status, status != 0 || isFirst || !result.stdout.isEmpty else {
      return Failure(.interrupted, "the node's answer is empty" + tail(result))
    }
    // Other steps ran there before, so the login has a shell: this one could not start.
    guard isFirst || !result.stdout.isEmpty else {
      return Failure(.internalError, "the node did not run the script, exit status \(status)" + tail(result))
    }
    let words = tail(result).isEmpty ? start(result) : tail(result)
    let silence = " (exit status \(status)); a start-up file of it may end the shell or close its output"
    return Failure(.loginRefused, "the login does not run a shell" + (words.isEmpty ? silence : words))
  }

  /// What came instead of an answer: `nologin` and `internal-sftp` say their words on stdout.
  private static func start(_ result: CommandResult) -> String {
    let plain = result.stdout.prefix(300).map { (0x20...0x7e).contains($0) ? Character(Unicode.Scalar($0)) : " " }
    let words = String(plain).split(separator: " ").joined(separator: " ")
    return words.isEmpty ? "" : ": " + words
  }

  private static func tail(_ result: CommandResult) -> String {
    let said = result.errorText.split(whereSeparator: \.isNewline).suffix(3).joined(separator: " ")
    return said.isEmpty ? "" : ": " + said.prefix(300)
  }
}

/// Why a node refused one thing: the words of our scripts. Closed: a script that says another word is garbled.
enum Refusal: String, Sendable, CaseIterable {
  /// No space left.
  case full
  /// A read-only file system.
  case readonly
  /// The login may not.
  case denied
  /// A file or command refused otherwise.
  case refused
  /// Key and certificate do not belong together, or the key is not the one asked for.
  case mismatch
  /// No key for this certificate on this node.
  case nokey
  /// openssl could not make or use a key.
  case key
  /// The isolated check refused the PEM.
  case pem
  /// The file on the node is not the one that we installed.
  case hand
  /// A symbolic link lies where the file goes.
  case link
  /// The configuration's own check fails.
  case config
  /// The reload failed, and the old set is back.
  case reload
  /// The reload failed, and so did putting the old set back.
  case stuck
  /// Nothing in the configuration would load this file.
  case unused
  /// The stats socket did not do it.
  case socket
  /// The process still holds another certificate.
  case memory
  /// The node's role is not the one that was expected.
  case role
  /// A tool is missing.
  case tool
  /// Another step of ours still runs.
  case busy
  /// Another controller, or a later state of this one's journal, worked here.
  case fenced
  /// A word that no script of ours says.
  case garbled

  init(word: String) { self = Refusal(rawValue: word) ?? .garbled }

  /// The failure in the fleet's words.
  var kind: Failure.Kind {
    switch self {
    case .full: .diskFull
    case .readonly, .denied, .refused, .mismatch, .pem, .unused, .garbled: .stageRefused
    case .nokey: .keyLost
    case .key: .keyNotMade
    case .hand: .changedByHand
    case .link: .linkInPlace
    case .config: .configRefused
    case .reload, .stuck, .socket: .reloadRefused
    case .memory: .servesOldCertificate
    case .role: .failedOver
    case .tool: .toolMissing
    case .busy: .interrupted
    case .fenced: .fenced
    }
  }

  /// A failure with the node's words.
  func failure(_ detail: String, name: String? = nil, node: NodeID? = nil) -> Failure {
    Failure(kind, detail, name: name, node: node)
  }
}
