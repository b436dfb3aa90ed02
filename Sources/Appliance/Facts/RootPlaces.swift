/// Which places on a node may be opened to a login that is not root, by an allow list, and how two paths stand to each other.
enum RootPlaces {
  /// Folders in which load balancers keep their things.
  private static let programs: Set<String> = [
    "haproxy", "hapee", "stunnel", "stunnel4", "loadbalancer.org", "certfleet",
  ]
  /// What below `/etc/ssl` belongs to the whole machine: its trust store, everybody's keys.
  private static let shared: Set<String> = ["certs", "private", "misc", "openssl.cnf"]

  /// Whether a directory can be opened whole: it lies below a load balancer's folder, and is not that folder, where configurations lie.
  static func holdsCertificates(_ path: String) -> Bool {
    let parts = path.split(separator: "/").map(String.init)
    guard parts.count >= 2 else { return false }
    switch (parts[0], parts[1]) {
    case ("etc", "ssl"): return parts.count >= 3 && !shared.contains(parts[2])
    case ("etc", let program): return parts.count >= 3 && isProgram(program)
    // FreeBSD: /usr/local/etc/haproxy/certs.
    case ("usr", "local"): return parts.count >= 5 && parts[2] == "etc" && isProgram(parts[3])
    case ("var", "lib"): return parts.count >= 4 && isProgram(parts[2])
    case ("srv", _): return true
    case ("opt", _): return parts.count >= 3
    default: return false
    }
  }

  /// Whether one file that a load balancer reads can be opened there.
  static func holdsFiles(_ path: String) -> Bool {
    let parts = path.split(separator: "/").map(String.init)
    guard parts.count >= 3 else { return false }
    if parts[0] == "etc" { return isProgram(parts[1]) }
    if parts[0] == "var", parts[1] == "lib" { return parts.count >= 4 && isProgram(parts[2]) }
    if parts[0] == "usr", parts[1] == "local", parts[2] == "etc" { return parts.count >= 5 && isProgram(parts[3]) }
    return parts[0] == "opt" || parts[0] == "srv"
  }

  /// Whether scripts of root are expected there.
  static func holdsScripts(_ path: String) -> Bool {
    let parts = path.split(separator: "/").map(String.init)
    if parts.count == 4, parts[0] == "usr", parts[1] == "local", parts[2] == "sbin" || parts[2] == "bin" { return true }
    return parts.count >= 3 && (parts[0] == "opt" || parts[0] == "etc" && isProgram(parts[1]))
  }

  /// Whether a log can be opened for reading there: `/etc/shadow` is no log.
  static func holdsLogs(_ path: String) -> Bool { path.hasPrefix("/var/log/") }

  private static func isProgram(_ name: String) -> Bool { programs.contains(name) || name.hasPrefix("hapee-") }
}

/// Paths as text.
enum PlainPath {
  /// Without `.` and double slashes.
  static func normalized(_ path: String) -> String {
    "/" + path.split(separator: "/").filter { $0 != "." }.joined(separator: "/")
  }

  /// Whether `inner` is `outer` or lies below it.
  static func covers(_ outer: String, _ inner: String) -> Bool {
    let outer = normalized(outer)
    let inner = normalized(inner)
    return outer == "/" || inner == outer || inner.hasPrefix(outer + "/")
  }

  /// Whether it can stand in a line to paste, in a configuration and in a shell alike.
  static func isPlain(_ path: String) -> Bool {
    let allowed: Set<Character> = ["-", "_", ".", "/", "@", "+", ","]
    return path.hasPrefix("/") && !path.split(separator: "/").contains("..")
      && path.allSatisfy { $0.isASCII && ($0.isLetter || $0.isNumber || allowed.contains($0)) }
  }
}
