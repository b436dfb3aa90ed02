import Fleet
import Testing

@testable import Appliance

@Suite struct RightsTests {
  private func node(
    user: String = "certfleet", sudo: Bool = false, active: ActiveDetector = .address, _ terminations: Termination...
  ) -> Node {
    Node(
      id: "edge-a", address: "192.0.2.1", ssh: SSHSettings(user: user, sudo: sudo), active: active,
      challenge: .usualThumbprint, terminations: terminations)
  }

  private func haproxy(reload: String = "sudo -n /usr/bin/systemctl reload haproxy") -> Termination {
    .haproxy(HAProxyTermination(certificates: "/etc/haproxy/certs", socket: "/run/haproxy/admin.sock", reload: reload))
  }

  @Test func rootIsCalledRoot() {
    #expect(Rights.needed(on: node(user: "root", haproxy())).mode == .root)
    let sudo = Rights.needed(on: node(sudo: true, haproxy()))
    #expect(sudo.mode == .root)
    #expect(sudo.sudoers.isEmpty)
  }

  @Test func aLoginGetsTheCertificatesTheHostsFileTheSocketAndOneFixedCommand() {
    let rights = Rights.needed(on: node(haproxy()))

    #expect(rights.mode == .limited)
    #expect(
      rights.commands == [
        "setfacl -R -m u:certfleet:rwX '/etc/haproxy/certs'", "setfacl -R -d -m u:certfleet:rwX '/etc/haproxy/certs'",
        "touch '/etc/haproxy/certfleet.hosts'", "setfacl -m u:certfleet:rw '/etc/haproxy/certfleet.hosts'",
      ])
    #expect(rights.sudoers == ["certfleet ALL=(root) NOPASSWD: /usr/bin/systemctl reload haproxy"])
    #expect(
      rights.settings == [
        "HAProxy, section global: stats socket /run/haproxy/admin.sock user root group certfleet mode 660 level admin"
      ])
  }

  @Test func aReloadWithoutSudoIsToldHowToWriteIt() {
    let rights = Rights.needed(on: node(haproxy(reload: "systemctl reload haproxy")))

    #expect(rights.settings.last == "the inventory: reload: sudo -n /usr/bin/systemctl reload haproxy")
  }

  @Test(arguments: [
    "sh -c 'systemctl reload haproxy'", "/bin/sh /opt/reload", "/usr/bin/python3 /opt/reload", "/usr/bin/env reload",
    "systemctl reload *", "/opt/reload;id", "/opt/reload $(id)", "systemctl status haproxy", "systemctl edit haproxy",
    "systemctl",
    "systemctl reload haproxy --root=/tmp", "reload-haproxy", "sudo -E /opt/reload", "/usr/bin/vim /etc/x",
    "/usr/bin/python3.11 /x",
    "/usr/bin/less", "", "sudo -n", "/usr/bin/find / -exec id",
    // H3: an allow list, since no list of interpreters is whole; and no path that leads out of where it seems to be.
    "/usr/bin/node /opt/lb/reload.js", "/usr/local/bin/node", "/usr/local/bin/deno run x", "/usr/bin/gdb",
    "/usr/bin/tclsh x",
    "/usr/bin/make reload", "/usr/bin/docker exec lb reload", "/opt/lb/reload --now", "/tmp/reload",
    "/home/certfleet/reload.sh",
    "/usr/local/sbin/../../../tmp/reload.sh", "/etc/init.d/../../tmp/x reload", "service ../../tmp/x reload",
    "service haproxy stop", "/etc/init.d/haproxy start", "systemctl restart /tmp/x.mount",
    "systemctl restart emergency.target",
    "systemctl reload --now", "sudo -u root /opt/lb/reload", "doas /opt/lb/reload", "/run/reload.sh",
    "/var/tmp/reload.sh",
  ])
  func noDoorIsAFixedCommand(_ command: String) {
    guard case .refused = FixedCommand.read(command) else {
      Issue.record("\(command) was taken")
      return
    }
    let rights = Rights.needed(on: node(haproxy(reload: command)))
    #expect(rights.mode == .root)
    #expect(rights.sudoers.isEmpty && rights.commands.isEmpty)
  }

  @Test func aCommandWithoutArgumentsMayHaveNone() {
    guard case .fixed(let words, _) = FixedCommand.read("/opt/lb/reload") else {
      Issue.record("refused")
      return
    }
    #expect(FixedCommand.sudoers(words) == #"/opt/lb/reload """#)
    #expect(FixedCommand.sudoers(["/opt/lb/reload", "--set=a"]) == #"/opt/lb/reload --set\=a"#)
  }

  @Test func whatLeadsToRootIsSaid() {
    let writes = StunnelTermination(
      certificates: "/etc/stunnel/certs", include: "/etc/stunnel/conf.d", reload: "systemctl reload stunnel4")
    let signals = StunnelTermination(certificates: "/etc/stunnel/certs")
    for (termination, word) in [(writes, "exec ="), (signals, "SIGHUP")] {
      let rights = Rights.needed(on: node(.stunnel(termination)))
      #expect(rights.mode == .root)
      #expect(rights.reasons.contains { $0.contains(word) })
    }
    #expect(
      Rights.needed(on: node(active: .keepalived(instance: nil), haproxy())).reasons.first?.contains("address") == true)
    let careful = StunnelTermination(
      certificates: "/etc/stunnel/certs", log: "/var/log/stunnel.log",
      reload: "sudo -n /usr/bin/systemctl reload stunnel4")
    #expect(Rights.needed(on: node(.stunnel(careful))).mode == .limited)
  }

  @Test(arguments: [
    "systemctl reload haproxy", "sudo -n /usr/bin/systemctl restart haproxy.service", "service haproxy reload",
    "/etc/init.d/haproxy reload", "rc-service haproxy reload", "/usr/local/sbin/reload-haproxy", "/opt/lb/bin/hup.sh",
  ])
  func whatReloadsAndDoesNoMoreIsTaken(_ command: String) {
    #expect(Rights.needed(on: node(haproxy(reload: command))).mode == .limited)
  }

  // H3: these mean everybody, a group, a number or root by another name in sudoers and in setfacl.
  @Test(arguments: [
    "ALL", "all,root", "%wheel", "#0", "!root", "ADMINS", "wheel", "sudo", "docker", "cert fleet", "a:b", "+net", "x=y",
  ])
  func whatIsNoPlainLoginNameIsCalledRoot(_ user: String) {
    let rights = Rights.needed(on: node(user: user, haproxy()))

    #expect(rights.mode == .root)
    #expect(rights.sudoers.isEmpty && rights.commands.isEmpty && rights.settings.isEmpty)
  }

  /// H3: the layouts in which what is opened to the login holds what root obeys, each with the word that says why.
  private static let layouts: [(HAProxyTermination, ChallengeMethod, String)] = [
    (at("/etc/haproxy/%label%.pem"), .usualThumbprint, "more than certificates"),
    (at("/etc/haproxy"), .usualThumbprint, "/etc/haproxy/haproxy.cfg"),
    (at("/etc/haproxy/./"), .usualThumbprint, "more than certificates"),
    (at("/etc/%label%/x.pem"), .usualThumbprint, "below /etc,"),
    (at("/%label%.pem"), .usualThumbprint, "below /,"),
    (at("/etc/sudoers.d"), .usualThumbprint, "more than certificates"),
    (at("/etc/cron.d"), .usualThumbprint, "more than certificates"),
    (at("/root/.ssh"), .usualThumbprint, "more than certificates"),
    (at("/etc/ssl/certs"), .usualThumbprint, "more than certificates"),
    (at("/etc/ssl/private"), .usualThumbprint, "more than certificates"),
    (at("/usr/local/bin"), .usualThumbprint, "more than certificates"),
    (
      at("/etc/haproxy/certs", configuration: ["/etc/haproxy/haproxy.cfg", "/etc/haproxy/certs/extra.cfg"]),
      .usualThumbprint, "configuration"
    ),
    (at("/etc/haproxy/conf.d/certs", configuration: ["/etc/haproxy/conf.d"]), .usualThumbprint, "lies in"),
    (at("/etc/haproxy/certs", list: "/etc/haproxy/certs/list.txt"), .usualThumbprint, "the crt-list"),
    (at("/etc/haproxy/certs", list: "/etc/haproxy/haproxy.cfg"), .usualThumbprint, "the crt-list"),
    (at("/etc/haproxy/certs", list: "/etc/passwd"), .usualThumbprint, "/etc/passwd"),
    (at("/etc/haproxy/certs"), .thumbprint(hosts: "/etc/haproxy/certs/hosts", socket: nil), "challenge names"),
    (at("/etc/haproxy/certs"), .thumbprint(hosts: "/etc/haproxy/haproxy.cfg", socket: nil), "challenge names"),
    (at("/etc/haproxy/certs"), .thumbprint(hosts: "/etc/cron.d/x", socket: nil), "/etc/cron.d/x"),
    (at("/etc/haproxy/certs", list: "/etc/haproxy/both"), .thumbprint(hosts: "/etc/haproxy/both", socket: nil), "both"),
    (at("/opt/lb/certs", reload: "/opt/lb/certs/reload.sh"), .usualThumbprint, "reload:"),
    (at("/etc/haproxy/certs", socket: "/etc/haproxy/certs/admin.sock"), .usualThumbprint, "socket"),
    (at("/etc/haproxy/certs", socket: "/run/a level admin"), .usualThumbprint, "no absolute path"),
    (at("/etc/haproxy/certs", binary: "/etc/haproxy/certs/haproxy"), .usualThumbprint, "program"),
    (at("/etc/haproxy/certs", master: "/run/haproxy-master.sock"), .usualThumbprint, "master"),
    (at("~/certs"), .usualThumbprint, "no absolute path"),
  ]

  private static func at(
    _ certificates: String, configuration: [String] = ["/etc/haproxy/haproxy.cfg"], list: String? = nil,
    socket: String = "/run/haproxy/admin.sock", reload: String = "systemctl reload haproxy", master: String? = nil,
    binary: String = "haproxy"
  ) -> HAProxyTermination {
    HAProxyTermination(
      certificates: certificates, crtList: list, configuration: configuration, socket: socket, reload: reload,
      master: master,
      binary: binary)
  }

  @Test(arguments: layouts.indices) func aLayoutThatOpensWhatRootObeysIsCalledRoot(_ index: Int) {
    let (termination, challenge, word) = Self.layouts[index]
    var node = node(.haproxy(termination))
    node.challenge = challenge

    let rights = Rights.needed(on: node)

    #expect(rights.mode == .root, "\(termination.certificates)")
    #expect(rights.sudoers.isEmpty && rights.commands.isEmpty && rights.settings.isEmpty)
    #expect(rights.reasons.contains { $0.contains(word) }, "\(rights.reasons)")
  }

  // H3: parts of another termination of the same node count as well.
  @Test func stunnelsPartsAreHeldAgainstThoseOfHAProxy() {
    let beside = StunnelTermination(
      certificates: "/etc/stunnel/certs", configuration: "/etc/haproxy/certs/stunnel.conf",
      reload: "sudo -n /usr/bin/systemctl reload stunnel4")
    var reads = beside
    reads.configuration = "/etc/stunnel/stunnel.conf"
    reads.log = "/etc/shadow"

    #expect(Rights.needed(on: node(haproxy(), .stunnel(beside))).reasons.contains { $0.contains("stunnel.conf") })
    #expect(Rights.needed(on: node(.stunnel(reads))).reasons.contains { $0.contains("/etc/shadow") })
    #expect(Rights.needed(on: node(active: .command("sudo /opt/x"), haproxy())).mode == .root)
    #expect(Rights.needed(on: node(active: .command("/etc/haproxy/certs/who %vip%"), haproxy())).mode == .root)
  }

  @Test func theUsualLayoutsStayLimited() {
    for path in [
      "/etc/haproxy/certs", "/etc/ssl/haproxy", "/etc/loadbalancer.org/certs/%label%/%label%.pem",
      "/var/lib/haproxy/certs",
    ] {
      let rights = Rights.needed(on: node(.haproxy(Self.at(path))))
      #expect(rights.mode == .limited, "\(path): \(rights.reasons)")
    }
  }
}
