public import SSH

/// A word that nobody can guess: it marks our answers among the noise of login shells and ends our here-documents.
public struct Nonce: Sendable, Equatable, Hashable {
  /// 32 hexadecimal digits, unless a test chose otherwise.
  public let text: String

  /// Takes a given word, as tests do; keeps letters and digits only.
  public init(_ text: String) { self.text = text.filter { $0.isASCII && ($0.isLetter || $0.isNumber) } }

  /// Writes 128 bits that the caller drew.
  public init(_ high: UInt64, _ low: UInt64) {
    text = [high, low].map { word in
      let digits = String(word, radix: 16)
      return String(repeating: "0", count: 16 - digits.count) + digits
    }.joined()
  }
}

/// Everything that is done on a node in one step: a command and the script it reads.
///
/// The whole script is one `{ … }` block: a shell must read it to its end before it runs anything, so a connection cut at any byte leaves a
/// syntax error and an untouched node. (dash, bash, busybox; an end of file looks the same to a remote command as a complete input.)
public struct RemoteScript: Sendable, Equatable {
  /// What the login's shell is given.
  public let command: String
  /// What it reads.
  public var stdin: [UInt8] { Array("\(head.source)\(preamble.source)\(rest.source)".utf8) }
  private let head: ShellText
  /// Variables that are set before anything else.
  var preamble: ShellText = ""
  private let rest: ShellText
  /// Whether it takes the node's lock, which all do that change something.
  public let isChange: Bool
  /// Marks the answers.
  public let nonce: Nonce
  /// How long the node may say nothing with our mark (long work says `beat` every ten seconds), and how long the whole may take.
  public let bounds: CommandBounds
  /// How much of the answer is kept.
  public let outputLimit: Int

  /// Frames a body: prelude first, `end` last.
  init(
    _ body: ShellText, for node: NodeLogin, nonce: Nonce, idle: Duration = .seconds(60), outputLimit: Int = 4 << 20
  ) {
    // Root's way: sudo may keep the caller's HOME, hence -H. Without sudo, least privilege by group and ACL.
    command = node.sudo ? "sudo -n -H sh -s" : "sh -s"
    let nonceWord = ShellWord(nonce.text)
    isChange = body.source.contains("\nlock\n")
    head = """
      {
      CF_NONCE=\(nonceWord)
      W=\(ShellWord(path: node.work))

      """
    rest = """
      \(ShellLibrary.prelude)
      \(body)
      finish
      } </dev/null

      """
    self.nonce = nonce
    bounds = CommandBounds(idle: idle, mark: Array("@cf \(nonce.text) ".utf8))
    self.outputLimit = outputLimit
  }
}

/// What a script needs to know of a login.
struct NodeLogin: Sendable, Equatable {
  /// The directory of ours on the node.
  var work: String
  /// Through `sudo -n`.
  var sudo: Bool
}
