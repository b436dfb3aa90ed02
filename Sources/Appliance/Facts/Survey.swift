public import Fleet
public import Foundation
public import SSH

/// Finds out in one step what a node is and can do.
public enum Survey {
  /// Asks everything; changes nothing but makes the work directory.
  public static func script(for node: Node, nonce: Nonce) -> RemoteScript {
    var body: ShellText = "\(HAProxyLibrary.socket)\n\(HAProxyLibrary.check)\n\(StunnelOrder.library)\n"
    body += "\(NoticeShell.library)\n\(questions)\n"
    for termination in TerminationShell.all(of: node) {
      body += "\(termination.functions)\(termination.call)\nask_term\n"
    }
    return RemoteScript(body, for: node.login, nonce: nonce, idle: .seconds(90))
  }

  /// Reads the answer. The clock is compared with the middle of the exchange.
  public static func read(
    _ result: CommandResult, of script: RemoteScript, for node: Node, sentAt: Date, receivedAt: Date
  ) throws(Failure) -> NodeFacts {
    let transcript = try Transcript(result, nonce: script.nonce, isFirst: true)
    func text(_ name: String) -> String { transcript.first(name).map { String($0.rest) } ?? "" }
    let middle = sentAt.addingTimeInterval(receivedAt.timeIntervalSince(sentAt) / 2)
    var facts = NodeFacts(surveyedAt: receivedAt)
    facts.system = text("system")
    facts.release = text("release")
    facts.shell = text("shell")
    facts.login = text("login")
    facts.openssl = SoftwareVersion(in: text("openssl"))
    facts.haproxy = SoftwareVersion(in: text("haproxy"))
    facts.stunnel = SoftwareVersion(in: text("stunnel"))
    facts.socketClient = SocketClient(rawValue: text("client")) ?? .none
    facts.clockSkew = Int(text("clock")).map { $0 - Int(middle.timeIntervalSince1970) }
    facts.freeKiB = Int(text("free"))
    facts.workIsWritable = text("work") == "yes"
    facts.leftovers = transcript.all("left").map { String($0.rest) }
    // What a name does not spell out again was not made by certfleet.
    facts.oldKeys = transcript.all("oldkey").map { AttemptID(String($0.rest)) }
      .filter { FileStem($0.rawValue).text == $0.rawValue }
    let marks = transcript.all("mark").compactMap { record -> NodeMark? in
      let words = record.words(3)
      return Int64(words[1]).map { NodeMark(controller: words[0], position: $0, word: words[2]) }
    }
    facts.marks = marks.isEmpty ? nil : marks
    let answers = transcript.all("term")
    guard answers.count == node.terminations.count else {
      throw Failure(.interrupted, "the node told of \(answers.count) of \(node.terminations.count) terminations")
    }
    facts.terminations = answers.map { answer in
      let words = answer.words(6)
      return TerminationFacts(
        directoryIsWritable: words[1] == "yes",
        configurationPasses: words[2] == "pass" ? true : words[2] == "fail" ? false : nil,
        complaint: words[5].isEmpty ? nil : words[5],
        control: TerminationFacts.Control(rawValue: words[3]) ?? .silent,
        runningVersion: SoftwareVersion(in: words[4]))
    }
    for record in transcript.all("load") {
      let words = record.words(2)
      if let index = Int(words[0]), facts.terminations.indices.contains(index) {
        facts.terminations[index].loadMilliseconds = Int(words[1]).map { $0 * 10 }
      }
    }
    for record in transcript.all("notice") {
      let words = record.words(2)
      if let index = Int(words[0]), facts.terminations.indices.contains(index) {
        facts.terminations[index].notices = (facts.terminations[index].notices ?? []) + [words[1]]
      }
    }
    return facts
  }

  /// What stands in the way of working with this node, each with its remedy; the loudest first.
  public static func missing(_ facts: NodeFacts, on node: Node) -> [Lack] { Lack.all(facts, on: node) }

  private static let questions: ShellText = #"""
    tell system "$(uname -s -r)"
    r_name=
    if [ -r /etc/loadbalancer.org/version.txt ]; then r_name="Loadbalancer.org $(head -n 1 /etc/loadbalancer.org/version.txt)"; fi
    if [ -z "$r_name" ] && [ -r /etc/os-release ]; then
      r_name=$(sed -n 's/^PRETTY_NAME=//p' /etc/os-release | tr -d '"')
    fi
    if [ -z "$r_name" ]; then r_name=$(cat /etc/redhat-release /etc/version 2>/dev/null | head -n 1); fi
    tell release "$r_name"
    if [ -n "$BASH_VERSION" ]; then tell shell "bash $BASH_VERSION"
    elif (readlink /proc/$$/exe) 2>/dev/null | grep -q busybox; then say shell busybox
    else tell shell "$(basename "$(readlink /proc/$$/exe 2>/dev/null || echo sh)")"
    fi
    tell login "$(id -un)"
    if have openssl; then tell openssl "$(openssl version 2>&1 | head -n 1)"; fi
    # Debian keeps stunnel 4's name as stunnel3/stunnel4; -version prints to stderr
    for r_x in stunnel stunnel4 stunnel5; do
      if have $r_x; then tell stunnel "$($r_x -version 2>&1 </dev/null | grep -i '^[^A-Za-z]*stunnel [0-9]' | head -n 1)"; break; fi
    done
    find_client
    say client $CLIENT
    say clock "$(date +%s)"
    if own_dir "$W" && mkdir -p "$W" 2>/dev/null && mine "$W" && chmod 700 "$W" 2>/dev/null && (printf x >"$W/probe.$$") 2>/dev/null; then
      rm -f "$W/probe.$$"
      say work yes
      OUT=$W/out.$$
    else
      say work no
    fi
    tell free "$(df -Pk "$W" 2>/dev/null | awk 'NR==2{print $4}' 2>/dev/null)"
    # left_in DIR: the rollouts that left something there
    r_left=
    left_in() {
      for r_x in "$1"/*; do
        r_name=${r_x##*/}
        if [ ! -d "$r_x" ] || [ "$r_name" = previous ]; then continue; fi
        case " $r_left " in *" $r_name "*) ;; *) r_left="$r_left $r_name"; tell left "$r_name" ;; esac
      done
    }
    left_in "$W/rollouts"
    if [ -d "$W/keys" ] && [ "$OUT" != /dev/null ]; then
      find "$W/keys" -type f -name '*.key' -mtime +\#(ShellWord("\(NodeFacts.oldKeyDays)")) 2>/dev/null | head -n 1000 | sed 's/.*\///; s/\.key$//' >"$OUT.keys"
      while read -r r_name; do tell oldkey "$r_name"; done <"$OUT.keys"
      rm -f "$OUT.keys"
    fi
    r_haproxy=
    # mark_in DIR: who worked here last
    mark_in() {
      if [ ! -f "$1/.certfleet.mark" ]; then return 0; fi
      r_magic=; r_owner=; r_position=; r_word=
      read -r r_magic r_owner r_position r_word r_rest <"$1/.certfleet.mark" 2>/dev/null
      if [ "$r_magic" = certfleet ] && [ -n "$r_word" ]; then tell mark "$r_owner $r_position $r_word"; fi
    }
    ask_term() {
      left_in "$base/.certfleet"
      mark_in "$base"
      w_ok=no; w_check=unknown; w_control=notConfigured; w_version=-; E=
      if [ -d "$base" ] && [ -w "$base" ] && [ -x "$base" ]; then w_ok=yes; fi
      if [ "$KIND" = haproxy ]; then
        if [ -z "$r_haproxy" ] && have "$BINARY"; then
          r_haproxy=1
          tell haproxy "$("$BINARY" -v 2>&1 </dev/null | head -n 1)"
        fi
        clock; w_start=$CLOCK
        config_check
        w_check=$CHECK; w_complaint=$E
        clock
        if [ $w_check != unknown ]; then say load $T $((CLOCK-w_start)); fi
        if [ -n "$SOCK" ]; then
          if open_cli; then
            w_control=works
            # an operator-level socket lists, but may not change; aborting nothing changes nothing
            ask 'abort ssl cert /certfleet/none'
            case $A in *'ermission denied'*) w_control=notAdmin ;; esac
          else
            w_control=silent
            w_complaint="${w_complaint:+$w_complaint; }$E"
          fi
          ask 'show info'
          w_version=$(printf '%s\n' "$A" | sed -n 's/^Version: *//p' | head -n 1)
          if [ $w_control = works ]; then notice_haproxy; fi
        fi
        E=$w_complaint
      else
        notice_stunnel
        w_pid=$(cat "$PIDFILE" 2>/dev/null)
        if [ -z "$BYSIGNAL" ]; then w_control=works
        elif [ -z "$w_pid" ]; then w_control=silent; E="no process id in $PIDFILE"
        elif E=$(kill -0 "$w_pid" 2>&1); then w_control=works
        else w_control=silent
        fi
        if [ -n "$LOG" ] && [ ! -r "$LOG" ]; then E="cannot read $LOG"; fi
        if [ -n "$INCLUDE" ] && [ ! -w "$INCLUDE" ]; then E="cannot write to $INCLUDE"; fi
      fi
      tell term "$T $w_ok $w_check $w_control $(flat "${w_version:--}" | tr -d ' ') $E"
    }
    """#
}

extension Node {
  /// How scripts get there.
  var login: NodeLogin { NodeLogin(work: work, sudo: ssh.sudo) }
}
