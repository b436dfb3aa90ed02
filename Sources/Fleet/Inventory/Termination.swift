/// What ends TLS on a node.
public enum Termination: Sendable, Equatable {
  case haproxy(HAProxyTermination)
  case stunnel(StunnelTermination)

  /// The VIPs whose certificates it holds; nil means all of the pair's.
  public var vips: [VIPID]? {
    switch self {
    case .haproxy(let haproxy): haproxy.vips
    case .stunnel(let stunnel): stunnel.vips
    }
  }

  /// The program's name.
  public var program: String {
    switch self {
    case .haproxy: "haproxy"
    case .stunnel: "stunnel"
    }
  }

  /// Where the controller can reach this node's own TLS listener, if anywhere.
  public var probe: ProbeAddress? {
    switch self {
    case .haproxy(let haproxy): haproxy.probe
    case .stunnel(let stunnel): stunnel.probe
    }
  }
}

/// A TLS listener that belongs to one node, never to a VIP.
public struct ProbeAddress: Sendable, Equatable, Hashable, Codable {
  /// An address of this node.
  public var address: String
  /// The TLS port.
  public var port: UInt16

  /// Collects the parts.
  public init(address: String, port: UInt16) {
    self.address = address
    self.port = port
  }
}

/// HAProxy with certificates in a directory or a crt-list.
public struct HAProxyTermination: Sendable, Equatable {
  /// The VIPs whose certificates it holds; nil means all of the pair's.
  public var vips: [VIPID]?
  /// Where the PEM of a certificate lies: a directory, or a path with `%label%` in it.
  public var certificates: String
  /// The crt-list file that names them, if one is used instead of `crt DIR`.
  public var crtList: String?
  /// The configuration file or files, as `-f` gets them.
  public var configuration: [String]
  /// The stats socket, `level admin`; nil means reload only.
  public var socket: String?
  /// The command that reloads, a fixed one such as `systemctl reload haproxy`.
  public var reload: String
  /// The master socket, over which it is reloaded instead of by `reload`.
  public var master: String?
  /// The HAProxy binary.
  public var binary: String
  /// This node's own listener.
  public var probe: ProbeAddress?

  /// Collects the parts.
  public init(
    vips: [VIPID]? = nil, certificates: String, crtList: String? = nil,
    configuration: [String] = ["/etc/haproxy/haproxy.cfg"], socket: String? = "/var/run/haproxy.stat",
    reload: String = "systemctl reload haproxy", master: String? = nil, binary: String = "haproxy",
    probe: ProbeAddress? = nil
  ) {
    self.vips = vips
    self.certificates = certificates
    self.crtList = crtList
    self.configuration = configuration
    self.socket = socket
    self.reload = reload
    self.master = master
    self.binary = binary
    self.probe = probe
  }

  /// The PEM's path for a label.
  public func path(label: String) -> String { certificatePath(certificates, label: label) }
}

/// stunnel, which can only reload as a whole.
public struct StunnelTermination: Sendable, Equatable {
  /// The VIPs whose certificates it holds; nil means all of the pair's.
  public var vips: [VIPID]?
  /// Where the PEM of a certificate lies: a directory, or a path with `%label%` in it.
  public var certificates: String
  /// The configuration file.
  public var configuration: String
  /// The directory of `include =`, into which a section for a new certificate is written; nil means that sections are the operator's.
  public var include: String?
  /// The primary service whose SNI sections are added: `sni = SERVICE:name`.
  public var service: String?
  /// `connect =` of added sections.
  public var connect: String?
  /// The file with the daemon's process id.
  public var pidFile: String
  /// The log file, if it writes one.
  public var log: String?
  /// The command that reloads; nil means SIGHUP to the process in `pidFile`.
  public var reload: String?
  /// This node's own listener.
  public var probe: ProbeAddress?

  /// Collects the parts.
  public init(
    vips: [VIPID]? = nil, certificates: String, configuration: String = "/etc/stunnel/stunnel.conf",
    include: String? = nil, service: String? = nil, connect: String? = nil, pidFile: String = "/var/run/stunnel.pid",
    log: String? = nil, reload: String? = nil, probe: ProbeAddress? = nil
  ) {
    self.vips = vips
    self.certificates = certificates
    self.configuration = configuration
    self.include = include
    self.service = service
    self.connect = connect
    self.pidFile = pidFile
    self.log = log
    self.reload = reload
    self.probe = probe
  }

  /// The PEM's path for a label.
  public func path(label: String) -> String { certificatePath(certificates, label: label) }
}

/// `DIR` means `DIR/LABEL.pem`; a path with `%label%` means itself with the label put in, as
/// `/etc/loadbalancer.org/certs/%label%/%label%.pem`.
private func certificatePath(_ template: String, label: String) -> String {
  guard template.contains("%label%") else { return template + "/" + label + ".pem" }
  return template.replacing("%label%", with: label)
}
