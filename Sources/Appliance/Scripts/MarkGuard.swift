public import Fleet

/// What a script that changes a node checks there first, and leaves there.
public struct MarkGuard: Sendable, Equatable {
  /// This controller.
  public var controller: String
  /// Marks that are known: any other stops the script before it changes anything.
  public var known: [AcceptedMark]
  /// The mark to leave; nil to leave what is there.
  public var new: NodeMark?

  /// Collects the parts.
  public init(controller: String, known: [AcceptedMark], new: NodeMark?) {
    self.controller = controller
    self.known = known
    self.new = new
  }

  /// The files of a node that hold a mark: one for each certificate directory.
  static func files(on node: Node) -> [String] {
    TerminationShell.all(of: node).reduce(into: []) { files, termination in
      let file = termination.base + "/" + NodeMark.fileName
      if !files.contains(file) { files.append(file) }
    }
  }

  /// The variables that `check_marks` and `leave_marks` of the prelude read.
  func variables(on node: Node) -> ShellText {
    // A path that begins with `~/` is the login's home, which only a word by itself tells.
    var text: ShellText = "CF_MARKS=\n"
    for file in Self.files(on: node) where !file.contains("\n") {
      text += "CF_MARKS=$CF_MARKS\(ShellWord(path: file))'\n'\n"
    }
    text += "CF_OWNER=\(ShellWord(controller))\n"
    text += "CF_KNOWN=\(ShellWord(known.map { "\($0.controller):\($0.word)" }.joined(separator: " ")))\n"
    if let new {
      text += "CF_POSITION=\(ShellWord("\(new.position)")); CF_WORD=\(ShellWord(new.word))\n"
    }
    return text
  }
}

extension RemoteScript {
  /// The same script, which first looks for marks of others and leaves one.
  public func guarded(by guard: MarkGuard, on node: Node) -> RemoteScript {
    var script = self
    script.preamble = `guard`.variables(on: node)
    return script
  }
}
