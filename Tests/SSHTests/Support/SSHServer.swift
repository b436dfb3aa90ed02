import Foundation

@testable import SSH

/// A real sshd on a loopback address and a free port, as whoever runs the tests.
final class SSHServer: Sendable {
  let host: String
  let port: UInt16
  let hostKeys: [HostKey]
  let directory: Scratchpad
  /// The account that may log in.
  let user = NSUserName()
  let pid: pid_t
  private let owner: SSHIdentity

  /// `options` are lines of sshd_config; the first of a kind wins, so they precede ours.
  init(host: String = "127.0.0.1", options: [String] = [], hostKeyTypes: [String] = ["ed25519"]) async throws {
    let directory = try Scratchpad()
    var hostKeys: [HostKey] = []
    var config = options
    for type in hostKeyTypes {
      let path = directory.path + "/host_" + type
      try tool("/usr/bin/ssh-keygen", "-q", "-t", type, "-N", "", "-C", "", "-f", path)
      if let key = HostKey(openSSH: try directory.read("host_\(type).pub")) { hostKeys.append(key) }
      config.append("HostKey \(path)")
    }
    try tool("/usr/bin/ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", "", "-f", directory.path + "/user")
    try directory.write(directory.read("user.pub"), to: "authorized")
    owner = try SSHIdentity.load(path: directory.path + "/user")
    self.host = host
    self.directory = directory
    self.hostKeys = hostKeys
    if getuid() == 0 { try FileManager.default.createDirectory(atPath: "/run/sshd", withIntermediateDirectories: true) }
    let port = try FreePort.find(on: host)
    config += [
      "ListenAddress \(host)", "Port \(port)", "PidFile none", "UsePAM no", "StrictModes no",
      "AuthorizedKeysFile \(directory.path)/authorized", "PasswordAuthentication no",
      "KbdInteractiveAuthentication no", "PermitRootLogin yes", "MaxStartups 1000", "LogLevel ERROR", "UseDNS no",
      "SetEnv SHLVL=5",  // bash would read ~/.bashrc for every command, half a second on some machines
    ]
    try directory.write(config.joined(separator: "\n") + "\n", to: "sshd_config")
    let null = open("/dev/null", O_RDONLY | O_CLOEXEC)
    defer { close(null) }
    pid = try ChildProcess.spawn(
      ["/usr/sbin/sshd", "-D", "-f", directory.path + "/sshd_config", "-E", directory.path + "/log"], stdin: null,
      environment: []
    ).get()
    self.port = port
    let isUp = await eventually { FreePort.accepts(host, port) }
    if !isUp { throw ToolFailure(text: "sshd does not start: \(try directory.read("log"))") }
  }

  deinit { stop() }

  /// Ends the listener; its sessions end with their connections.
  func stop() {
    kill(pid, SIGTERM)
    _ = ChildProcess.wait(pid, until: .now + .seconds(5))
  }

  func identity(_ name: String = "user", passphrase: SSHSecret? = nil) throws -> SSHIdentity {
    try SSHIdentity.load(path: directory.path + "/" + name, passphrase: passphrase)
  }

  /// Makes another key and, if wanted, lets it in.
  func addKey(_ name: String, type: String, passphrase: String = "", isAuthorized: Bool = true) throws {
    let path = directory.path + "/" + name
    try tool("/usr/bin/ssh-keygen", "-q", "-t", type, "-N", passphrase, "-C", "", "-f", path)
    if isAuthorized {
      try directory.write(directory.read("authorized") + directory.read(name + ".pub"), to: "authorized")
    }
  }

  func target(
    _ authentications: [SSHAuthentication]? = nil, hostKeys: [HostKey]? = nil, jump: SSHTarget? = nil,
    deadlines: SSHDeadlines = SSHDeadlines()
  ) -> SSHTarget {
    SSHTarget(
      host: host, port: port, user: user, authentications: authentications ?? [.identity(owner)],
      hostKeys: hostKeys ?? self.hostKeys, jump: jump, deadlines: deadlines)
  }
}
