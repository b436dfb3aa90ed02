/// A command that sudoers can name to the last word, and that does nothing but reload.
///
/// By an allow list: the tools that ask a service manager for one service, and scripts without arguments in places that belong to root.
/// A list of what is forbidden never ends: each interpreter that is missing in it is a way to root.
enum FixedCommand: Equatable {
  /// Its words, the first one an absolute path, and whether the inventory runs it through sudo already.
  case fixed([String], viaSudo: Bool)
  /// Why sudoers cannot name it.
  case refused(String)

  /// Asks a service manager: its name, where Debian has it, the other places that count, and whether the verb comes before the service.
  private struct Manager {
    var name: String
    var usual: String
    var others: [String]
    var isVerbFirst: Bool
    var verbs: Set<String>
  }

  // `systemctl status` starts a pager, `edit` an editor; only these verbs do neither.
  private static let managers = [
    Manager(
      name: "systemctl", usual: "/usr/bin/systemctl", others: ["/bin/systemctl", "/usr/local/bin/systemctl"],
      isVerbFirst: true, verbs: ["reload", "restart", "try-restart", "reload-or-restart", "try-reload-or-restart"]),
    Manager(
      name: "service", usual: "/usr/sbin/service", others: ["/sbin/service", "/usr/bin/service"], isVerbFirst: false,
      verbs: ["reload", "restart", "force-reload"]),
    Manager(
      name: "rc-service", usual: "/sbin/rc-service", others: ["/usr/sbin/rc-service", "/bin/rc-service"],
      isVerbFirst: false, verbs: ["reload", "restart"]),
    Manager(
      name: "invoke-rc.d", usual: "/usr/sbin/invoke-rc.d", others: [], isVerbFirst: false,
      verbs: ["reload", "restart", "force-reload"]),
  ]

  static func read(_ command: String) -> FixedCommand {
    var words = command.split(separator: " ").map(String.init)
    let viaSudo = words.first == "sudo" || words.first == "/usr/bin/sudo"
    if viaSudo {
      words.removeFirst()
      // -n: never ask for a password. Any other option changes whom it runs as, or what it keeps.
      if words.first == "-n" { words.removeFirst() }
    }
    guard let first = words.first else { return .refused("it is empty") }
    guard words.allSatisfy(isPlain) else {
      return .refused("its words hold more than letters, digits and - _ . / @ + =")
    }
    if let manager = managers.first(where: { first == $0.name || first == $0.usual || $0.others.contains(first) }) {
      if let why = refusal(words, manager) { return .refused(why) }
      return .fixed([first.hasPrefix("/") ? first : manager.usual] + words.dropFirst(), viaSudo: viaSudo)
    }
    guard first.hasPrefix("/") else { return .refused("\(first) has no path") }
    if let why = refusal(script: words) { return .refused(why) }
    return .fixed([PlainPath.normalized(first)] + words.dropFirst(), viaSudo: viaSudo)
  }

  private static func refusal(_ words: [String], _ manager: Manager) -> String? {
    let arguments = Array(words.dropFirst())
    let verb = manager.isVerbFirst ? arguments.first : arguments.last
    let service = manager.isVerbFirst ? arguments.last : arguments.first
    guard arguments.count == 2, let verb, let service, manager.verbs.contains(verb), isService(service) else {
      let form = manager.isVerbFirst ? "reload SERVICE` and `restart SERVICE" : "SERVICE reload` and `SERVICE restart"
      return "of \(manager.name) only `\(form)` do no more than they say"
    }
    return nil
  }

  /// A script that an operator wrote: `/etc/init.d/NAME reload`, or without any argument.
  private static func refusal(script words: [String]) -> String? {
    let path = PlainPath.normalized(words[0])
    let parts = path.split(separator: "/").map(String.init)
    if parts.count == 3, parts[0] == "etc", parts[1] == "init.d" || parts[1] == "rc.d" {
      guard isService(parts[2]), words.count == 2, ["reload", "restart", "force-reload"].contains(words[1]) else {
        return "of \(path) only `reload` and `restart` do no more than they say"
      }
      return nil
    }
    guard RootPlaces.holdsScripts(path) else {
      return "\(path) lies in no place that is known for scripts of root (/usr/local/sbin, /usr/local/bin, /opt/NAME, "
        + "/etc/haproxy, /etc/stunnel, /etc/loadbalancer.org, /etc/certfleet)"
    }
    // `/usr/local/bin/node` has the right place, and is an interpreter.
    guard let name = parts.last, name.hasSuffix(".sh") || ["reload", "restart"].contains(where: name.contains) else {
      return "\(path) may be a program that runs whatever it is told to; a script's name ends in .sh, or has "
        + "“reload” or “restart” in it"
    }
    return words.count == 1 ? nil : "what \(path) does with its arguments is not known; a script needs none"
  }

  /// One service by its name, no path and no target that stops the machine.
  private static func isService(_ text: String) -> Bool {
    guard text.first.map({ $0.isLetter || $0.isNumber }) == true, !text.contains("/"), !text.contains("=") else {
      return false
    }
    guard let dot = text.lastIndex(of: ".") else { return true }
    let kinds = ["target", "mount", "socket", "timer", "path", "scope", "slice", "swap", "device", "automount"]
    return !kinds.contains(String(text[text.index(after: dot)...]))
  }

  private static func isPlain(_ word: String) -> Bool {
    let allowed: Set<Character> = ["-", "_", ".", "/", "@", "+", "="]
    return !word.split(separator: "/").contains("..")
      && word.allSatisfy { $0.isASCII && ($0.isLetter || $0.isNumber || allowed.contains($0)) }
  }

  /// Without arguments `""` is needed: a bare path would allow any. `=` must be escaped (sudoers(5)).
  static func sudoers(_ words: [String]) -> String {
    guard words.count > 1 else { return "\(words[0]) \"\"" }
    return words.map { $0.replacing("=", with: "\\=") }.joined(separator: " ")
  }
}
