import Fleet

/// Collects what the parts of a node need, and holds what is opened to the login against what only root may change.
struct RightsPlan {
  let login: String
  var reasons: [String] = []
  private var commands: [String] = []
  private var sudoers: [String] = []
  private var settings: [String] = []
  /// What the login may write: whole directories, and single files.
  private var directories: [String] = []
  private var files: [Place] = []
  /// What root obeys, or follows.
  private var guarded: [Place] = []

  private struct Place: Equatable {
    var path: String
    var what: String
  }

  init(login: String) { self.login = login }

  /// What useradd(8) takes. Words in capitals are aliases in sudoers, `%` and `#` groups and numbers; the groups below are root by another name.
  static func isLogin(_ name: String) -> Bool {
    let groups: Set = ["sudo", "wheel", "adm", "admin", "disk", "shadow", "docker", "lxd", "kmem", "staff", "toor"]
    guard let first = name.utf8.first, name.utf8.count <= 32, !groups.contains(name) else { return false }
    return (0x61...0x7a).contains(first) || first == 0x5f
      ? name.utf8.allSatisfy { (0x61...0x7a).contains($0) || (0x30...0x39).contains($0) || $0 == 0x5f || $0 == 0x2d }
      : false
  }

  var rights: Rights {
    let reasons = reasons + conflicts
    guard reasons.isEmpty else { return Rights(mode: .root, reasons: reasons, commands: [], sudoers: [], settings: []) }
    return Rights(mode: .limited, reasons: [], commands: commands, sudoers: sudoers, settings: settings)
  }

  mutating func haproxy(_ haproxy: HAProxyTermination) {
    directory(haproxy.certificates)
    for path in haproxy.configuration { guarded.append(Place(path: path, what: "HAProxy's configuration")) }
    if haproxy.binary.contains("/") { guarded.append(Place(path: haproxy.binary, what: "HAProxy's program")) }
    if let list = haproxy.crtList { file(list, "the crt-list") }
    if let socket = haproxy.socket { self.socket(socket) }
    if haproxy.master == nil {
      reload(haproxy.reload)
    } else {
      reason(
        "HAProxy's master runs as root and obeys whoever may write to its socket; reload with `reload:` instead of `master:`"
      )
    }
  }

  mutating func stunnel(_ stunnel: StunnelTermination) {
    directory(stunnel.certificates)
    guarded.append(Place(path: stunnel.configuration, what: "stunnel's configuration"))
    guarded.append(Place(path: stunnel.pidFile, what: "stunnel's pid file"))
    if let include = stunnel.include {
      reason(
        "a section of stunnel may start a program (exec =), so whoever writes into \(include) is whom stunnel runs as; without `include:` "
          + "certfleet only replaces files that your sections name")
    }
    if let log = stunnel.log {
      guarded.append(Place(path: log, what: "stunnel's log"))
      if plain(log), !RootPlaces.holdsLogs(PlainPath.normalized(log)) {
        reason("the login would read \(log), which does not lie below /var/log; log there, or leave `log:` out")
      }
      add("setfacl -m u:\(login):r \(quoted(log))")
    }
    if let command = stunnel.reload {
      reload(command)
    } else {
      reason(
        "only root may send stunnel its SIGHUP; give `reload: sudo -n /usr/bin/systemctl reload stunnel4`, or what reloads it here"
      )
    }
  }

  mutating func challenge(hosts: String, socket: String?) {
    add("touch \(quoted(hosts))")
    file(hosts, "the file of challenge names")
    if let socket { self.socket(socket) }
  }

  /// Runs as the login, unless it goes through sudo: then the same holds as for a reload.
  mutating func detector(_ command: String) {
    let isSudo = { (word: Substring) in
      word.split(separator: "/").last == "sudo" || word.split(separator: "/").last == "doas"
    }
    if command.split(whereSeparator: { !($0.isLetter || $0.isNumber || "/-_.".contains($0)) }).contains(where: isSudo) {
      reason("`active: command` goes through sudo, and what it may do there is not known; use `active: address`")
    }
    for word in command.split(separator: " ") where word.hasPrefix("/") {
      guarded.append(Place(path: String(word), what: "the script of `active: command`"))
    }
  }

  /// Not its parent: who can rename in there can put a link to anything under a name that root reads.
  private mutating func file(_ path: String, _ what: String) {
    if plain(path), !RootPlaces.holdsFiles(PlainPath.normalized(path)) {
      reason("\(path) is no file that a load balancer alone reads; put \(what) below /etc/haproxy")
    }
    let place = Place(path: path, what: what)
    if let other = files.first(where: { PlainPath.covers($0.path, path) && $0 != place }) {
      reason("\(path) is both \(other.what) and \(what)")
    }
    files.append(place)
    add("setfacl -m u:\(login):rw \(quoted(path))")
  }

  private mutating func directory(_ template: String) {
    let base = Self.base(of: template)
    if plain(base), !RootPlaces.holdsCertificates(PlainPath.normalized(base)) {
      reason(
        "the login would write everywhere below \(base), which may hold more than certificates; "
          + "give `certificates:` a directory of their own, such as /etc/haproxy/certs")
    }
    directories.append(base)
    add("setfacl -R -m u:\(login):rwX \(quoted(base))")
    add("setfacl -R -d -m u:\(login):rwX \(quoted(base))")
  }

  /// The directory in which everything that `%label%` stands for comes to lie: of `/etc/haproxy/%label%.pem` that is `/etc/haproxy`.
  static func base(of template: String) -> String {
    guard template.contains("%label%") else { return template }
    let parts = template.split(separator: "/").prefix { !$0.contains("%label%") }
    return "/" + parts.joined(separator: "/")
  }

  private mutating func socket(_ path: String) {
    _ = plain(path)
    guarded.append(Place(path: path, what: "HAProxy's socket"))
    let line = "HAProxy, section global: stats socket \(path) user root group \(login) mode 660 level admin"
    if !settings.contains(line) { settings.append(line) }
  }

  private mutating func reload(_ command: String) {
    switch FixedCommand.read(command) {
    case .refused(let why):
      reason("`\(command)` is no fixed command: \(why); put it into a script that root owns, and name that by its path")
    case .fixed(let words, let viaSudo):
      let line = "\(login) ALL=(root) NOPASSWD: \(FixedCommand.sudoers(words))"
      if !sudoers.contains(line) { sudoers.append(line) }
      guarded.append(Place(path: words[0], what: "the program that `reload:` starts"))
      if words.count == 1 {
        setting("\(words[0]) and every directory above it: root's, and nobody else's to write")
      }
      if !viaSudo { setting("the inventory: reload: sudo -n \(words.joined(separator: " "))") }
    }
  }

  /// What is opened holds something that only root may change.
  private var conflicts: [String] {
    var found: [String] = []
    for directory in directories {
      for place in guarded + files where PlainPath.covers(directory, place.path) {
        found.append("\(directory) is opened to the login, and \(place.path) in it is \(place.what); keep them apart")
      }
      for place in guarded where PlainPath.covers(place.path, directory) && !PlainPath.covers(directory, place.path) {
        found.append("\(directory) is opened to the login, and lies in \(place.path), \(place.what); keep them apart")
      }
    }
    for file in files {
      for place in guarded where PlainPath.covers(place.path, file.path) || PlainPath.covers(file.path, place.path) {
        found.append("\(file.path) is \(file.what), which the login writes, and \(place.what); keep them apart")
      }
    }
    return found.reduce(into: []) { if !$0.contains($1) { $0.append($1) } }
  }

  /// `stats socket PATH` and the commands have no room for blanks, quotes or `~`.
  private mutating func plain(_ path: String) -> Bool {
    if PlainPath.isPlain(path) { return true }
    reason("\(path) is no absolute path of letters, digits and - _ . / @ + , alone, so no line can name it for sure")
    return false
  }

  private mutating func setting(_ line: String) { if !settings.contains(line) { settings.append(line) } }
  private mutating func reason(_ line: String) { if !reasons.contains(line) { reasons.append(line) } }
  private mutating func add(_ line: String) { if !commands.contains(line) { commands.append(line) } }
  private func quoted(_ path: String) -> String { ShellWord(path).quoted }
}
