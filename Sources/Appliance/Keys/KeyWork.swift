public import Fleet
public import SSH

/// A key and a certificate request to make.
public struct KeyOrder: Sendable, Equatable {
  /// The attempt that the key is for; it names the file.
  public var attempt: AttemptID
  /// The names to ask for.
  public var names: NameSet
  /// The kind of key.
  public var key: KeyType
  /// Take the key of an earlier attempt instead of making one.
  public var reuse: AttemptID?
  /// Attempts whose keys nobody needs any more; they go from the node in the same step.
  public var spent: [AttemptID]

  /// Collects the parts.
  public init(
    attempt: AttemptID, names: NameSet, key: KeyType, reuse: AttemptID? = nil, spent: [AttemptID] = []
  ) {
    self.attempt = attempt
    self.names = names
    self.key = key
    self.reuse = reuse
    self.spent = spent
  }
}

/// Keys are made by the node's openssl and stay on the pair: the controller sees requests, which hold no secret.
public enum KeyWork {
  /// Makes keys and requests, many in one step. Asked again it answers with the same requests.
  public static func make(_ orders: [KeyOrder], on node: Node, nonce: Nonce) -> RemoteScript {
    var body: ShellText = """
      \(ShellLibrary.certificates)
      \(BatchLibrary.files)
      \(KeyShell.bodies)
      \(KeyShell.make)
      work
      lock
      try mkdir -p "$W/keys" || die "$K" "$E"
      R=$W/requests
      try rm -rf "$R" && try mkdir "$R" || die "$K" "$E"
      TMPDIR=$R

      """
    var configurations: [(name: String, content: String)] = []
    for (number, order) in orders.enumerated() {
      let stem = FileStem(order.attempt.rawValue).text
      let configuration = configuration(order.names)
      configurations.append(("\(stem).cnf", configuration))
      body += "order_\(number)() { att=\(ShellWord(stem)); type=\(ShellWord(order.key.rawValue)); "
      body += "reuse=\(ShellWord(order.reuse.map { FileStem($0.rawValue).text } ?? "")); "
      body += "common=\(ShellWord(configuration.contains("\nCN = ") ? "1" : "")); }\n"
    }
    body += ShellText.files(configurations, nonce: nonce)
    body += "make_keys \(ShellText(words: orders.indices.map { "\($0)" }))\nTMPDIR=$W\nrm -rf \"$R\"\n"
    let wanted = Set(orders.map(\.attempt) + orders.compactMap(\.reuse))
    body += KeyShell.forgetting(orders.flatMap(\.spent).filter { !wanted.contains($0) })
    // RSA-4096 takes a second or two, on an old appliance more.
    return RemoteScript(body, for: node.login, nonce: nonce, idle: .seconds(120))
  }

  /// Reads the requests as PEM, each with its attempt, or why there is none.
  public static func readRequests(
    _ result: CommandResult, of script: RemoteScript, orders: [KeyOrder]
  ) throws(Failure) -> [AttemptID: Result<String, Failure>] {
    let transcript = try Transcript(result, nonce: script.nonce)
    return try answers(transcript, record: "request", orders.map(\.attempt), label: "CERTIFICATE REQUEST")
  }

  /// Makes (or shows again) the one-off recipient to whom keys for this node are sealed during one rollout.
  public static func recipient(_ rollout: RolloutID, on node: Node, nonce: Nonce) -> RemoteScript {
    let body: ShellText = """
      \(ShellLibrary.certificates)
      work
      lock
      R=$W/rollouts/\(ShellWord(FileStem(rollout.rawValue).text))
      try mkdir -p "$R" || die "$K" "$E"
      TMPDIR=$R
      \(KeyShell.recipient)

      """
    return RemoteScript(body, for: node.login, nonce: nonce, idle: .seconds(120))
  }

  /// Reads the recipient's certificate as PEM.
  public static func readRecipient(_ result: CommandResult, of script: RemoteScript) throws(Failure) -> String {
    let transcript = try Transcript(result, nonce: script.nonce)
    guard let record = transcript.first("recipient"), let pem = PEM.wrap(record.rest, label: "CERTIFICATE") else {
      throw Failure(.keyNotMade, "the node made no recipient for its peer's keys")
    }
    return pem
  }

  /// Seals keys that lie on this node for the peer's recipient: CMS, AES-256-CBC, so that OpenSSL 1.0.1 can open it.
  ///
  /// Only a key that belongs to its certificate is sealed: its public half must have the given SHA-256.
  public static func seal(
    _ keys: [(attempt: AttemptID, publicKeySHA256: String)], to recipient: String, rollout: RolloutID, on node: Node,
    nonce: Nonce
  ) -> RemoteScript {
    var body: ShellText = """
      \(ShellLibrary.certificates)
      work
      lock
      R=$W/rollouts/\(ShellWord(FileStem(rollout.rawValue).text))
      try mkdir -p "$R" || die "$K" "$E"
      TMPDIR=$R
      \(BatchLibrary.files)
      \(KeyShell.bodies)
      \(KeyShell.seal)
      \(ShellText.file("\"$R/peer.pem\"", holding: recipient, nonce: nonce))

      """
    for (number, key) in keys.enumerated() {
      body += "attempt_\(number)() { att=\(ShellWord(FileStem(key.attempt.rawValue).text)); "
      body += "public=\(ShellWord(key.publicKeySHA256.lowercased())); }\n"
    }
    body += "seal_all \(ShellText(words: keys.indices.map { "\($0)" }))\n"
    return RemoteScript(body, for: node.login, nonce: nonce)
  }

  /// Reads the sealed keys as PEM, each with its attempt, or why there is none.
  public static func readSealed(
    _ result: CommandResult, of script: RemoteScript, keys: [AttemptID]
  ) throws(Failure) -> [AttemptID: Result<String, Failure>] {
    let transcript = try Transcript(result, nonce: script.nonce)
    return try answers(transcript, record: "sealed", keys, label: "CMS")
  }

  private static func answers(
    _ transcript: Transcript, record name: String, _ attempts: [AttemptID], label: String
  ) throws(Failure) -> [AttemptID: Result<String, Failure>] {
    var answers: [AttemptID: Result<String, Failure>] = [:]
    for record in transcript.all(name) {
      let words = record.words(3)
      guard let index = Int(words[0]), attempts.indices.contains(index), answers[attempts[index]] == nil else {
        throw Failure(.keyNotMade, "the node spoke of a key that was not asked for")
      }
      if words[1] == "pem", let pem = PEM.wrap(words[2], label: label) {
        answers[attempts[index]] = .success(pem)
      } else {
        let refusal = words[1] == "pem" ? Refusal.garbled : Refusal(word: words[1])
        answers[attempts[index]] = .failure(refusal.failure(words[2]))
      }
    }
    for attempt in attempts where answers[attempt] == nil {
      answers[attempt] = .failure(Failure(.keyNotMade, "the node said nothing about this key"))
    }
    return answers
  }

  /// A request's configuration: SANs through a file, since `-addext` came with OpenSSL 1.1.1 only. The first name that fits becomes the CN,
  /// which X.520 limits to 64 characters; without one the subject is empty, and the CA takes what it likes.
  static func configuration(_ names: NameSet) -> String {
    let safe = names.names.map { $0.filter(isOfName) }
    let common = safe.first { $0.utf8.count <= 64 && !$0.hasPrefix("*") } ?? safe.first { $0.utf8.count <= 64 }
    var lines = ["[req]", "prompt = no", "string_mask = utf8only", "distinguished_name = dn", "req_extensions = ext"]
    lines += ["[dn]"] + (common.map { ["CN = \($0)"] } ?? [])
    lines += ["[ext]", "subjectAltName = @names", "[names]"]
    lines += safe.enumerated().map { "DNS.\($0.offset + 1) = \($0.element)" }
    return lines.joined(separator: "\n") + "\n"
  }

  /// `$`, `\` and line breaks mean something in openssl's configuration; names were checked long before, this is the second lock.
  private static func isOfName(_ character: Character) -> Bool {
    character.isASCII && (character.isLetter || character.isNumber || ".-_*".contains(character))
  }
}

/// PEM from the one-line base64 that scripts print.
enum PEM {
  /// Wraps at 64 columns; nil when the text is no base64.
  static func wrap(_ base64: some StringProtocol, label: String) -> String? {
    let bytes = Array(base64.utf8)
    guard !bytes.isEmpty, bytes.count % 4 == 0, bytes.allSatisfy(isBase64) else { return nil }
    var lines = ["-----BEGIN \(label)-----"]
    for start in stride(from: 0, to: bytes.count, by: 64) {
      lines.append(String(decoding: bytes[start..<min(start + 64, bytes.count)], as: UTF8.self))
    }
    lines.append("-----END \(label)-----")
    return lines.joined(separator: "\n") + "\n"
  }

  private static func isBase64(_ byte: UInt8) -> Bool {
    switch UnicodeScalar(byte) {
    case "A"..."Z", "a"..."z", "0"..."9", "+", "/", "=": true
    default: false
    }
  }
}
