public import Fleet
public import SSH

/// What a node says about one VIP.
public enum Role: Sendable, Equatable {
  case active
  case passive
  /// Neither word: what it said instead.
  case unknown(String)
}

/// Asks a node which VIPs it holds, by its configured detector.
public enum RoleQuery {
  /// Asks; changes nothing.
  public static func script(for node: Node, vips: [VIP], nonce: Nonce) -> RemoteScript {
    RemoteScript(RoleShell.body(node.active, vips: vips), for: node.login, nonce: nonce, idle: .seconds(45))
  }

  /// Reads the answer: every VIP has a role, or the answer is a failure.
  public static func read(
    _ result: CommandResult, of script: RemoteScript, vips: [VIP]
  ) throws(Failure) -> [VIPID: Role] {
    try roles(Transcript(result, nonce: script.nonce, isFirst: true), vips: vips)
  }

  static func roles(_ transcript: Transcript, vips: [VIP]) throws(Failure) -> [VIPID: Role] {
    var roles: [VIPID: Role] = [:]
    for record in transcript.all("role") {
      let words = record.words(3)
      guard let index = Int(words[0]), vips.indices.contains(index), roles[vips[index].id] == nil else {
        throw Failure(.roleUnknown, "the node spoke of a VIP that was not asked for: \(record.rest)")
      }
      switch words[1] {
      case "active": roles[vips[index].id] = .active
      case "passive": roles[vips[index].id] = .passive
      default: roles[vips[index].id] = .unknown(words[2].isEmpty ? "no answer" : words[2])
      }
    }
    guard roles.count == vips.count else {
      throw Failure(.roleUnknown, "the node told the role of \(roles.count) of \(vips.count) VIPs")
    }
    return roles
  }
}
