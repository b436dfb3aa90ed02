public import Fleet
public import SSH

/// Who holds the port that the tunnel needs on a node: a session of this machine's that died without a word (power cut, cable, a firewall that
/// forgot the connection), which sshd keeps until it notices, or somebody else.
///
/// A dead one is recognised by both ends: the node says which process listens and with whom its own connection is; that is this machine, and this
/// machine has no such connection. Behind address translation or a jump host the addresses differ, and then nothing is ended.
public struct PortHolder: Sendable, Equatable {
  /// The process on the node.
  public var pid: Int
  /// Its name: `sshd`, or `sshd-session` since OpenSSH 9.8.
  public var name: String
  /// The other ends of its connections.
  public var peers: Set<SocketAddress>

  /// One end of a TCP connection.
  public struct SocketAddress: Sendable, Hashable {
    /// As numbers, an IPv4 address never mapped into IPv6.
    public var address: String
    /// The port.
    public var port: UInt16

    /// Takes an address of four or sixteen bytes.
    public init(bytes: [UInt8], port: UInt16) {
      self.init(address: Self.plain(TunnelCheck.text(of: bytes)), port: port)
    }

    /// Takes an address as text.
    init(address: String, port: UInt16) {
      self.address = address
      self.port = port
    }

    /// From `0100007F:1F90`, as the kernel prints it.
    init?(kernel text: Substring) {
      let parts = text.split(separator: ":")
      guard parts.count == 2, parts[0].allSatisfy(\.isHexDigit), let port = UInt16(parts[1], radix: 16) else {
        return nil
      }
      self.init(address: Self.plain(TunnelCheck.address(of: String(parts[0]))), port: port)
    }

    private static func plain(_ address: String) -> String {
      address.hasPrefix("::ffff:") ? String(address.dropFirst(7)) : address
    }

    /// The near ends of all TCP connections in a text like /proc/net/tcp.
    public static func near(in table: String) -> Set<SocketAddress> {
      Set(
        table.split(separator: "\n").compactMap { line in
          let fields = line.split(separator: " ", maxSplits: 2, omittingEmptySubsequences: true)
          return fields.count > 1 ? SocketAddress(kernel: fields[1]) : nil
        })
    }
  }

  /// What can be said of who holds the port.
  public enum Verdict: Sendable, Equatable {
    /// Sessions of this machine's that nobody here has any more; these processes may be ended.
    case ownDead([PortHolder])
    /// A session that this machine still has.
    case ownAlive
    /// Another program.
    case other(PortHolder)
    /// The login may not see it, or the way leads through address translation or a jump host.
    case unknown
  }

  /// Decides.
  ///
  /// - Parameters:
  ///   - here: this machine's end of its own connection with the node; nil where it goes through a jump host.
  ///   - ours: the near ends of all connections of this machine.
  public static func judge(_ holders: [PortHolder], here: SocketAddress?, ours: Set<SocketAddress>) -> Verdict {
    guard !holders.isEmpty else { return .unknown }
    if let other = holders.first(where: { !$0.isSession }) { return .other(other) }
    // What this machine calls its own address must be what the node sees, or its ports mean nothing here.
    guard let here, ours.contains(here) else { return .unknown }
    var isAlive = false
    for holder in holders {
      let mine = holder.peers.filter { $0.address == here.address }
      if mine.isEmpty { return .unknown }
      if !mine.isDisjoint(with: ours) { isAlive = true }
    }
    return isAlive ? .ownAlive : .ownDead(holders)
  }

  private var isSession: Bool { name == "sshd" || name == "sshd-session" }
}

extension PortHolder {
  /// Asks which processes listen on a port, and with whom they are connected; changes nothing.
  public static func script(port: UInt16, on node: Node, nonce: Nonce) -> RemoteScript {
    RemoteScript("PORT=\(Int(port))\n\(question)\n", for: node.login, nonce: nonce, idle: .seconds(30))
  }

  /// Reads the answer; processes that the login may not look into are left out.
  public static func read(_ result: CommandResult, of script: RemoteScript) throws(Failure) -> [PortHolder] {
    let transcript = try Transcript(result, nonce: script.nonce)
    return transcript.all("holder").compactMap { line in
      let words = line.rest.split(separator: " ")
      guard words.count >= 2, let pid = Int(words[0]) else { return nil }
      return PortHolder(
        pid: pid, name: String(words[1]), peers: Set(words.dropFirst(2).compactMap { SocketAddress(kernel: $0) }))
    }
  }

  /// Ends these processes, each only where it still listens there as a session of sshd's, and waits until the port is free.
  public static func freeing(
    _ holders: [PortHolder], port: UInt16, on node: Node, nonce: Nonce
  ) -> RemoteScript {
    let pids = ShellText(words: holders.map { "\($0.pid)" })
    return RemoteScript(
      """
      PORT=\(Int(port))
      DEAD=' \(pids) '
      \(finding)
      for h_pid in $(holders); do
        read -r h_name </proc/"$h_pid"/comm || h_name=
        case $h_name in sshd|sshd-session) ;; *) continue ;; esac
        case $DEAD in *" $h_pid "*) kill -TERM "$h_pid" 2>/dev/null && say ended "$h_pid" ;; esac
      done
      h_left=50
      while [ "$h_left" -gt 0 ] && [ -n "$(listeners)" ]; do nap; h_left=$((h_left-1)); done
      if [ -n "$(listeners)" ]; then say held; else say free; fi
      """, for: node.login, nonce: nonce, idle: .seconds(60))
  }

  /// Whether the port is free now.
  public static func isFree(_ result: CommandResult, of script: RemoteScript) throws(Failure) -> Bool {
    try Transcript(result, nonce: script.nonce).first("free") != nil
  }

  /// listeners: the inodes of sockets that listen on PORT. holders: the processes that have one of these. `ls` tells the open files of all
  /// processes that the login may look into, in one process of its own.
  private static let finding: ShellText = #"""
    tcp() { cat /proc/net/tcp /proc/net/tcp6 2>/dev/null; }
    files() { ls -l /proc/[0-9]*/fd 2>/dev/null; }
    listeners() { tcp | awk -v p="$(printf '%04X' $PORT)" '$4=="0A"{split($2,a,":"); if(a[2]==p)print $10}'; }
    holders() {
      h_list=$(listeners)
      [ -n "$h_list" ] || return 0
      files | awk -v l="$(echo $h_list)" '
        BEGIN{n=split(l,a," "); for(i=1;i<=n;i++)want["socket:[" a[i] "]"]=1}
        /^\/proc\//{split($1,b,"/"); pid=b[3]; next}
        ($NF in want) && !(pid in seen){seen[pid]=1; print pid}'
    }
    """#

  private static let question: ShellText = #"""
    \#(finding)
    if [ -r /proc/net/tcp ]; then
      for h_pid in $(holders); do
        read -r h_name </proc/"$h_pid"/comm || h_name=
        h_sockets=$(ls -l /proc/"$h_pid"/fd 2>/dev/null | awk '{s=$NF; if(sub(/^socket:\[/,"",s)){sub(/\]$/,"",s); print s}}')
        h_peers=$(tcp | awk -v l="$(echo $h_sockets)" '
          BEGIN{n=split(l,a," "); for(i=1;i<=n;i++)want[a[i]]=1}
          $4=="01" && ($10 in want){print $3}')
        tell "holder $h_pid $(flat "$h_name" | tr -c 'A-Za-z0-9._\012-' '_')" $h_peers
      done
    fi
    """#
}
