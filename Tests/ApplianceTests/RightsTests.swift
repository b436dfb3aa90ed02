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
}
