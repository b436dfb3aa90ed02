public import Fleet

/// What the login may do on a node, and the lines that give it no more than it needs.
///
/// Less than root is possible only where nothing that is given leads there: no wildcard, no free argument, no shell and no interpreter in
/// sudoers, and no file to write that another program obeys as root. What may be given stands in allow lists, and the parts are held against
/// each other: nothing that is opened may hold a configuration, a list or a script. Everything else is called root, because it is.
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
    guard RightsPlan.isLogin(node.ssh.user) else {
      return .root(
        "“\(node.ssh.user)” is no plain login name, and could mean everybody in sudoers; give it one like certfleet")
    }
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
    case .command(let command): plan.detector(command)
    case .heartbeat, .carp, .address, .statusFile, .always: break
    }
    return plan.rights
  }

  private static func root(_ reason: String) -> Rights {
    Rights(mode: .root, reasons: [reason], commands: [], sudoers: [], settings: [])
  }
}
