public import Fleet

/// What the login may do on a node, and the lines that give it no more than it needs.
///
/// Less than root is possible only where nothing that is given leads there: no wildcard, no free argument, no shell and no interpreter in
/// sudoers, and no file to write that another program obeys as root. Everything else is called root, because it is.
public struct Rights: Sendable, Equatable, Codable {
  /// Whether whoever holds our key is root on the node.
  public var mode: Mode
  /// Why less than root is impossible here, or how root is reached.
  public var reasons: [String]
  /// To paste as root on the node, in this order; empty where the login is root anyway.
  public var commands: [String]
  /// To write into a file of its own below `/etc/sudoers.d`, mode 0440.
  public var sudoers: [String]
  /// What has to stand in the programs' configurations and in the inventory.
  public var settings: [String]

  /// How far the login reaches.
  public enum Mode: String, Sendable, Codable {
    case root
    case limited
  }

  /// Decides by what the inventory wants from the node.
  public static func needed(on node: Node) -> Rights {
    if node.ssh.sudo { return .root("sudo: true runs every step in a shell of root") }
    if node.ssh.user == "root" { return .root("the login is root") }
    var plan = RightsPlan(login: node.ssh.user)
    for termination in node.terminations {
      switch termination {
      case .haproxy(let haproxy): plan.haproxy(haproxy)
      case .stunnel(let stunnel): plan.stunnel(stunnel)
      }
    }
    if case .thumbprint(let hosts, let socket) = node.challenge { plan.challenge(hosts: hosts, socket: socket) }
    switch node.active {
    case .keepalived:
      plan.reasons.append("keepalived tells its state on a signal, which only root may send; use `active: address`")
    case .command, .heartbeat, .carp, .address, .statusFile, .always: break
    }
    return plan.rights
  }

  private static func root(_ reason: String) -> Rights {
    Rights(mode: .root, reasons: [reason], commands: [], sudoers: [], settings: [])
  }
}

/// Collects what the parts of a node need.
private struct RightsPlan {
  let login: String
  var reasons: [String] = []
  private var commands: [String] = []
  private var sudoers: [String] = []
  private var settings: [String] = []

  init(login: String) { self.login = login }

  var rights: Rights {
    guard reasons.isEmpty else { return Rights(mode: .root, reasons: reasons, commands: [], sudoers: [], settings: []) }
    return Rights(mode: .limited, reasons: [], commands: commands, sudoers: sudoers, settings: settings)
  }

  mutating func haproxy(_ haproxy: HAProxyTermination) {
    directory(haproxy.certificates)
    if let list = haproxy.crtList { file(list) }
    if let socket = haproxy.socket { self.socket(socket) }
    reload(haproxy.reload)
  }

  mutating func stunnel(_ stunnel: StunnelTermination) {
    directory(stunnel.certificates)
    if let include = stunnel.include {
      reasons.append(
        "a section of stunnel may start a program (exec =), so whoever writes into \(include) is whom stunnel runs as; without `include:` "
          + "certfleet only replaces files that your sections name")
    }
    if let log = stunnel.log { add("setfacl -m u:\(login):r \(quoted(log))") }
    if let command = stunnel.reload {
      reload(command)
    } else {
      reasons.append(
        "only root may send stunnel its SIGHUP; give `reload: sudo -n /usr/bin/systemctl reload stunnel4`, or what reloads it here"
      )
    }
  }

  mutating func challenge(hosts: String, socket: String?) {
    add("touch \(quoted(hosts))")
    file(hosts)
    if let socket { self.socket(socket) }
  }

  /// Not its parent: who can rename in there can put a link to anything under a name that root reads.
  private mutating func file(_ path: String) { add("setfacl -m u:\(login):rw \(quoted(path))") }

  private mutating func directory(_ path: String) {
    let base = path.firstRange(of: "/%label%").map { String(path[..<$0.lowerBound]) } ?? path
    add("setfacl -R -m u:\(login):rwX \(quoted(base))")
    add("setfacl -R -d -m u:\(login):rwX \(quoted(base))")
  }

  private mutating func socket(_ path: String) {
    let line = "HAProxy, section global: stats socket \(path) user root group \(login) mode 660 level admin"
    if !settings.contains(line) { settings.append(line) }
  }

  private mutating func reload(_ command: String) {
    switch FixedCommand.read(command) {
    case .refused(let why):
      reasons.append(
        "`\(command)` is no fixed command: \(why); put it into a script that root owns, and name that by its path")
    case .fixed(let words, let viaSudo):
      sudoers.append("\(login) ALL=(root) NOPASSWD: \(FixedCommand.sudoers(words))")
      if !viaSudo { settings.append("the inventory: reload: sudo -n \(words.joined(separator: " "))") }
    }
  }

  private mutating func add(_ line: String) { if !commands.contains(line) { commands.append(line) } }

  private func quoted(_ path: String) -> String { ShellWord(path).quoted }
}

/// A command that sudoers can name to the last word.
enum FixedCommand: Equatable {
  /// Its words, the first one an absolute path, and whether the inventory runs it through sudo already.
  case fixed([String], viaSudo: Bool)
  /// Why sudoers cannot name it.
  case refused(String)

  /// Programs that people name without a path, where Debian has them.
  private static let places = [
    "systemctl": "/usr/bin/systemctl", "service": "/usr/sbin/service", "rc-service": "/sbin/rc-service",
  ]
  /// What runs, edits or copies whatever it is told to: with any of these a fixed line is a door.
  private static let doors: Set<String> = [
    "sh", "bash", "dash", "ash", "ksh", "zsh", "csh", "tcsh", "fish", "busybox", "env", "nice", "nohup", "setsid",
    "timeout", "xargs",
    "find", "python", "python2", "python3", "perl", "ruby", "php", "lua", "awk", "gawk", "mawk", "sed", "vi", "vim",
    "nano", "ed", "emacs",
    "less", "more", "man", "pager", "tee", "cp", "mv", "dd", "tar", "rsync", "su", "sudo", "doas", "chroot", "nsenter",
    "unshare", "ssh",
    "scp", "socat", "nc", "docker", "podman", "git", "tmux", "screen", "eval", "exec", "source",
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
    let allowed: Set<Character> = ["-", "_", ".", "/", "@", "+", "="]
    guard words.allSatisfy({ $0.allSatisfy { $0.isASCII && ($0.isLetter || $0.isNumber || allowed.contains($0)) } })
    else {
      return .refused("its words hold more than letters, digits and - _ . / @ + =")
    }
    guard let program = first.hasPrefix("/") ? first : places[first] else { return .refused("\(first) has no path") }
    let name = String(program.split(separator: "/").last ?? "")
    guard !doors.contains(name), !doors.contains(where: { name.hasPrefix($0 + ".") || name.hasPrefix($0 + "-") }) else {
      return .refused("\(name) runs or writes whatever it is told to")
    }
    // `systemctl status` starts a pager, `edit` an editor; only these verbs do neither.
    if name == "systemctl", !(words.count == 3 && ["reload", "restart", "try-reload-or-restart"].contains(words[1])) {
      return .refused("of systemctl only `reload UNIT` and `restart UNIT` start neither pager nor editor")
    }
    return .fixed([program] + words.dropFirst(), viaSudo: viaSudo)
  }

  /// Without arguments `""` is needed: a bare path would allow any. `=` must be escaped (sudoers(5)).
  static func sudoers(_ words: [String]) -> String {
    guard words.count > 1 else { return "\(words[0]) \"\"" }
    return words.map { $0.replacing("=", with: "\\=") }.joined(separator: " ")
  }
}
