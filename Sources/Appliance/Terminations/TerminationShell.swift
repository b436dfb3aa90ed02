import Fleet

/// One termination of a node as shell functions: `term_N` sets its values, `check_N` and `reload_N` run its commands.
struct TerminationShell {
  /// Its place in the node's list.
  let index: Int
  /// What it is.
  let termination: Termination

  /// All of a node's.
  static func all(of node: Node) -> [TerminationShell] {
    node.terminations.enumerated().map { TerminationShell(index: $0.offset, termination: $0.element) }
  }

  /// Where the PEM of a label lies.
  func path(label: String) -> String {
    switch termination {
    case .haproxy(let haproxy): haproxy.path(label: label)
    case .stunnel(let stunnel): stunnel.path(label: label)
    }
  }

  /// The directory that holds `.certfleet`: the certificate directory, or of a path with `%label%` the part above it. Staged files lie there
  /// so that a rename puts them in place; HAProxy's `crt DIR` and stunnel's `include` pass over names that start with a dot.
  var base: String {
    let template =
      switch termination {
      case .haproxy(let haproxy): haproxy.certificates
      case .stunnel(let stunnel): stunnel.certificates
      }
    guard let place = template.firstRange(of: "%label%") else {
      return template.count > 1 && template.hasSuffix("/") ? String(template.dropLast()) : template
    }
    guard let slash = template[..<place.lowerBound].lastIndex(of: "/") else { return "." }
    return slash == template.startIndex ? "/" : String(template[..<slash])
  }

  /// The functions.
  var functions: ShellText {
    switch termination {
    case .haproxy(let haproxy):
      let files = ShellText(words: haproxy.configuration.map { "-f \(ShellWord(path: $0))" })
      let paths = ShellText(words: haproxy.configuration.map { "\(ShellWord(path: $0))" })
      let numbered = haproxy.configuration.enumerated()
      let copies = ShellText(words: numbered.map { "-f \"$C/c\($0.offset)\"" })
      let copying = ShellText(
        words: numbered.map { "copy_one \($0.offset) \(ShellWord(path: $0.element)) || return 1;" })
      let naming = ShellText(words: numbered.map { "swap \"$C/c\($0.offset)\" \(ShellWord(path: $0.element));" })
      let reload: ShellText =
        haproxy.master == nil ? "bounded 120 sh -c \(ShellWord(haproxy.reload))" : "master_reload"
      let values: ShellText = """
        term_\(index)() {
          T=\(index); KIND=haproxy; base=\(ShellWord(path: base)); SOCK=\(ShellWord(path: haproxy.socket ?? ""))
          MASTER=\(ShellWord(path: haproxy.master ?? "")); unset STORES
          BINARY=\(ShellWord(path: haproxy.binary)); CRTLIST=\(ShellWord(path: haproxy.crtList ?? ""))
        }
        check_\(index)() { bounded 300 "$BINARY" -c \(files); }
        check_copy_\(index)() { bounded 300 "$BINARY" -c \(copies); }
        copies_\(index)() { \(copying) :; }
        plain_copies_\(index)() { \(naming) :; }
        configuration_\(index)() { for c_x in \(paths); do if [ -d "$c_x" ]; then cat "$c_x"/*.cfg; else cat "$c_x"; fi; done; }
        reload_\(index)() { \(reload); }

        """
      return values
    case .stunnel(let stunnel):
      let reload: ShellText =
        if let command = stunnel.reload { "bounded 120 sh -c \(ShellWord(command))" } else { "hang_up" }
      let values: ShellText = """
        term_\(index)() {
          T=\(index); KIND=stunnel; base=\(ShellWord(path: base)); PIDFILE=\(ShellWord(path: stunnel.pidFile))
          LOG=\(ShellWord(path: stunnel.log ?? "")); INCLUDE=\(ShellWord(path: stunnel.include ?? ""))
          CONF=\(ShellWord(path: stunnel.configuration)); SERVICE=\(ShellWord(stunnel.service ?? ""))
          CONNECT=\(ShellWord(stunnel.connect ?? "")); BYSIGNAL=\(ShellWord(stunnel.reload == nil ? "1" : ""))
        }
        reload_\(index)() { \(reload); }

        """
      return values
    }
  }

  /// `target_of LABEL` sets `target` to where the PEM of a label lies.
  var targets: ShellText {
    // Labels hold no slash, so this cannot stand in a path.
    let parts = path(label: "/%/").split(separator: "/%/", omittingEmptySubsequences: false)
    var text: ShellText = "target_of() { target=\(ShellWord(path: String(parts[0])))"
    for part in parts.dropFirst() { text += "\"$1\"\(ShellWord(String(part)))" }
    text += "; }\n"
    return text
  }

  /// The number of a termination as the argument of a call.
  var call: ShellText { "term_\(index)" }
}
