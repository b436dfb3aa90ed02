public import Fleet
public import SSH

/// The names for which a node's static rule answers: a file, and HAProxy's memory of it, changed without a reload.
public enum HostsFile {
  /// Makes file and memory hold exactly these names. Wildcards are left out: http-01 cannot prove one.
  public static func script(
    _ names: some Sequence<String>, path: String = ChallengeMethod.usualHostsFile, on node: Node, nonce: Nonce
  ) -> RemoteScript {
    let hosts = Set(names.filter(isHost).map { $0.lowercased() }).sorted()
    let list = hosts.joined(separator: "\n")
    var body: ShellText = """
      \(ShellLibrary.files)
      \(HAProxyLibrary.socket)
      \(HAProxyLibrary.update)
      work
      lock
      find_client
      HOSTS=\(ShellWord(path: path))
      D=$W/hosts.$$
      try mkdir -p "$D" || die "$K" "$E"
      \(HostsShell.library)
      \(ShellText.file("\"$D/raw\"", holding: list, nonce: nonce))
      write_hosts \(ShellWord(CheckSum.posix(of: list)))

      """
    for termination in rulers(of: node) {
      body += "\(termination.functions)\(termination.call)\ntell_memory\n"
    }
    body += "rm -rf \"$D\"\n"
    return RemoteScript(body, for: node.login, nonce: nonce, idle: .seconds(90))
  }

  /// The HAProxies that hold the rule: the node's terminations, or the one in front of stunnel that the challenge names by its socket.
  private static func rulers(of node: Node) -> [TerminationShell] {
    if case .thumbprint(_, let socket?) = node.challenge {
      return [TerminationShell(index: 0, termination: .haproxy(HAProxyTermination(certificates: "/", socket: socket)))]
    }
    return TerminationShell.all(of: node).filter { if case .haproxy = $0.termination { true } else { false } }
  }

  /// What became of it.
  public struct Answer: Sendable, Equatable {
    /// Names in the file.
    public var names: Int
    /// Names that the running HAProxies learnt; nil where one could not be told and must be reloaded to know them.
    public var added: Int?
    /// Why one could not be told.
    public var reason: String?

    /// Collects the parts.
    public init(names: Int, added: Int? = 0, reason: String? = nil) {
      self.names = names
      self.added = added
      self.reason = reason
    }
  }

  /// Reads the answer.
  public static func read(_ result: CommandResult, of script: RemoteScript) throws(Failure) -> Answer {
    let transcript = try Transcript(result, nonce: script.nonce)
    guard let file = transcript.first("hosts"), let count = Int(file.rest) else {
      throw Failure(.stageRefused, "the node did not say that the list of names is written")
    }
    var answer = Answer(names: count)
    for record in transcript.all("memory") {
      let words = record.words(3)
      if words[1] == "told", let added = Int(words[2]) {
        answer.added = answer.added.map { $0 + added }
      } else {
        answer.added = nil
        answer.reason = words[2]
      }
    }
    return answer
  }

  private static func isHost(_ name: String) -> Bool {
    name.utf8.count <= 253 && name.contains(".") && !name.hasPrefix(".")
      && name.utf8.allSatisfy { byte in
        switch UnicodeScalar(byte) {
        case "A"..."Z", "a"..."z", "0"..."9", "-", ".", "_": true
        default: false
        }
      }
  }
}

/// The shell side of the hosts file.
enum HostsShell {
  static let library: ShellText = #"""
    write_hosts() {
      if [ "$(cksum <"$D/raw" | sed 's/ *$//')" != "$1" ]; then
        rm -rf "$D"; die full 'the list of names did not arrive whole'
      fi
      sed -e '/^$/d' "$D/raw" >"$D/want"
      if ! cmp -s "$D/want" "$HOSTS"; then
        f_was=
        if [ -e "$HOSTS" ]; then f_was=$(owner_of "$HOSTS"); fi
        chmod 644 "$D/want"
        if [ -n "$f_was" ]; then chmod "${f_was#* }" "$D/want"; chown "${f_was% *}" "$D/want" 2>/dev/null; fi
        put "$D/want" "$HOSTS" || { f_k=$K; f_e=$E; rm -rf "$D"; die "$f_k" "cannot write $HOSTS: $f_e"; }
      fi
      say hosts $(($(wc -l <"$D/want")))
    }
    # each VERB: commands for the hosts of its input, many in one line, below the 16 KiB that a line may have
    each() {
      while :; do
        f_line=; f_count=0
        while [ $f_count -lt 40 ] && read -r f_host; do f_line="$f_line;$PFX$1 acl $HOSTS $f_host"; f_count=$((f_count+1)); done
        if [ -z "$f_line" ]; then return 0; fi
        printf '%s\n' "${f_line#;}" | cli >>"$D/said"
      done
    }
    memory_hosts() { ask "show acl $HOSTS"; printf '%s\n' "$A" | sed -n 's/^0x[0-9a-f]* //p' | sort -u >"$D/has"; }
    # minus A B: the lines of A that B lacks; a file of its own for each, since an empty first file would confuse NR==FNR
    minus() { awk 'FILENAME==ARGV[1]{h[$0]=1;next} !($0 in h)' "$2" "$1"; }
    tell_memory() {
      if ! one_word "$HOSTS"; then say memory $T untold "the path $HOSTS is not one word"; return; fi
      if [ -z "$SOCK" ] || [ "$CLIENT" = none ] || [ ! -S "$SOCK" ]; then
        say memory $T untold no stats socket to tell it; return
      fi
      PFX=
      ask "show acl $HOSTS"
      case $A in *'nknown command'*) PFX='@1 '; ask "show acl $HOSTS" ;; esac
      case $A in *'nknown ACL'*|*'ermission denied'*) tell "memory $T untold" "$A"; return ;; esac
      memory_hosts
      sort -u "$D/want" >"$D/sorted"
      minus "$D/sorted" "$D/has" >"$D/add"
      minus "$D/has" "$D/sorted" >"$D/del"
      true >"$D/said"
      each add <"$D/add"
      each del <"$D/del"
      memory_hosts
      if cmp -s "$D/has" "$D/sorted"; then say memory $T told $(($(wc -l <"$D/add")))
      else tell "memory $T untold" "after the change its list is another: $(head -n 3 "$D/said")"
      fi
    }
    """#
}
