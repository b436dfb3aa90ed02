public import Fleet
public import SSH

/// Reads on the node where a forwarded port is bound: with `GatewayPorts yes` sshd listens on every interface, whatever was asked for.
public enum TunnelCheck {
  /// Lists the listeners of a port; changes nothing.
  public static func script(port: UInt16, on node: Node, nonce: Nonce) -> RemoteScript {
    let body: ShellText = "PORT=\(Int(port))\n\(question)\n"
    return RemoteScript(body, for: node.login, nonce: nonce, idle: .seconds(20))
  }

  /// Where the port is bound.
  public enum Binding: Sendable, Equatable {
    /// Only on 127.0.0.0/8 or ::1.
    case loopback
    /// Reachable from elsewhere: the tunnel must be closed. The addresses.
    case exposed([String])
    /// Nobody listens.
    case absent
  }

  /// Reads the answer.
  public static func read(_ result: CommandResult, of script: RemoteScript) throws(Failure) -> Binding {
    let transcript = try Transcript(result, nonce: script.nonce)
    guard let source = transcript.first("source"), source.rest != "none" else {
      throw Failure(.tunnelRefused, "neither /proc/net/tcp, ss nor netstat tells where the tunnel listens on the node")
    }
    let addresses = transcript.all("listen").map { address(of: String($0.rest)) }
    let exposed = addresses.filter { !isLoopback($0) }
    if addresses.isEmpty { return .absent }
    return exposed.isEmpty ? .loopback : .exposed(exposed)
  }

  /// From `127.0.0.1:8888`, `[::1]:8888`, `*:8888`, `127.0.0.1.8888` (BSD), or the kernel's hexadecimal words.
  static func address(of text: String) -> String {
    if text.count == 8 || text.count == 32, text.allSatisfy(\.isHexDigit) { return kernel(text) }
    guard let cut = text.lastIndex(where: { $0 == ":" }) ?? text.lastIndex(of: ".") else { return text }
    return text[..<cut].filter { $0 != "[" && $0 != "]" }
  }

  /// The kernel prints each 32-bit word in host order, which is little-endian on all we meet.
  private static func kernel(_ text: String) -> String {
    var bytes: [UInt8] = []
    var rest = Substring(text)
    while !rest.isEmpty {
      let value = UInt32(rest.prefix(8), radix: 16) ?? .max
      rest = rest.dropFirst(8)
      bytes += (0..<4).map { UInt8(truncatingIfNeeded: value >> (8 * UInt32($0))) }
    }
    return self.text(of: bytes)
  }

  /// The address as numbers, without the shorthand of `::` but for what is looked for.
  static func text(of bytes: [UInt8]) -> String {
    let mapped: [UInt8] = [0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xFF, 0xFF]
    if bytes.count == 4 { return bytes.map { String($0) }.joined(separator: ".") }
    if Array(bytes.prefix(12)) == mapped { return bytes.suffix(4).map { String($0) }.joined(separator: ".") }
    if bytes.allSatisfy({ $0 == 0 }) { return "::" }
    if bytes.dropLast().allSatisfy({ $0 == 0 }), bytes.last == 1 { return "::1" }
    return stride(from: 0, to: 16, by: 2).map { index in
      String(UInt16(bytes[index]) << 8 | UInt16(bytes[index + 1]), radix: 16)
    }.joined(separator: ":")
  }

  private static func isLoopback(_ address: String) -> Bool {
    address == "::1" || address == "localhost" || address.hasPrefix("127.") || address.hasPrefix("::ffff:127.")
  }

  private static let question: ShellText = #"""
    if [ -r /proc/net/tcp ]; then
      say source proc
      L=$(cat /proc/net/tcp /proc/net/tcp6 2>/dev/null |
        awk -v p="$(printf '%04X' $PORT)" '$4=="0A"{split($2,a,":"); if(a[2]==p)print a[1]}')
    elif have ss; then
      say source ss
      L=$(ss -ltn 2>/dev/null | awk -v p="$PORT" 'NR>1 && $4 ~ ":" p "$"{print $4}')
    elif have netstat; then
      say source netstat
      L=$(netstat -an 2>/dev/null | awk -v p="$PORT" '/LISTEN/ && $4 ~ "[.:]" p "$"{print $4}')
    else
      say source none
      L=
    fi
    set -f
    for l_x in $L; do tell listen "$l_x"; done
    """#
}
