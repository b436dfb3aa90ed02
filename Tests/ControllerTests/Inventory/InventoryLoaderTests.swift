import Controller
import Fleet
import Foundation
import Testing

@Suite struct InventoryLoaderTests {
  private static let minimal = """
    authorities: [{ id: ca, directory: "https://ca.example/directory" }]
    defaults: { ssh: { agent: true } }
    pairs:
      - id: pair1
        vips: [{ id: web, address: 192.0.2.10 }]
        nodes: [{ id: pair1-a, address: 192.0.2.11 }]

    """

  // MARK: Inheritance

  @Test func aNodeInheritsKeyByKeyFromItsPairAndTheFleet() throws {
    let inventory = try #require(
      try Folder.load(
        """
        authorities: [{ id: ca, directory: "https://ca.example/directory" }]
        defaults:
          ssh: { user: fleet, port: 2222, agent: true, jump: { address: bastion.example, user: hop } }
          work: /var/lib/fleet
          challenge: { tunnel: { port: 9999 } }
          degraded: deploy
        pairs:
          - id: pair1
            ssh: { user: pair, sudo: true }
            active: heartbeat
            vips: [{ id: web, address: 192.0.2.10 }]
            nodes:
              - { id: a, address: 192.0.2.11, ssh: { port: 22, jump: ~ }, work: ~, challenge: thumbprint }
              - { id: b, address: 192.0.2.12, active: { carp: 3 } }
          - id: pair2
            degraded: wait
            vips: [{ id: web, address: 192.0.2.20 }]
            nodes: [{ id: c, address: 192.0.2.21 }]
        """
      ).inventory)

    let nodes = inventory.pairs.flatMap(\.nodes)
    let hop = SSHSettings.Jump(address: "bastion.example", user: "hop")
    #expect(nodes[0].ssh == SSHSettings(user: "pair", port: 22, useAgent: true, jump: nil, sudo: true))
    #expect(nodes[1].ssh == SSHSettings(user: "pair", port: 2222, useAgent: true, jump: hop, sudo: true))
    #expect(nodes[2].ssh == SSHSettings(user: "fleet", port: 2222, useAgent: true, jump: hop))
    #expect(nodes.map(\.work) == ["~/.certfleet", "/var/lib/fleet", "/var/lib/fleet"])
    #expect(nodes.map(\.active) == [.heartbeat, .carp(vhid: 3), .always])
    #expect(nodes.map(\.challenge) == [.usualThumbprint, .tunnel(port: 9999), .tunnel(port: 9999)])
    #expect(inventory.pairs.map(\.degraded) == [.deploy, .waitUntilDanger])
  }

  @Test func anApplianceBringsItsUsualPathsAndAWrittenKeyReplacesOne() throws {
    let inventory = try #require(
      try Folder.load(
        """
        authorities: [{ id: ca, directory: "https://ca.example/directory" }]
        defaults: { ssh: { agent: true } }
        pairs:
          - id: vendor
            appliance: loadbalancer-org
            vips: [{ id: web, address: 192.0.2.10 }]
            nodes:
              - { id: a, address: 192.0.2.11 }
              - { id: b, address: 192.0.2.12, terminations: [stunnel, { haproxy: { socket: none } }] }
        """
      ).inventory)

    let nodes = inventory.pairs.flatMap(\.nodes)
    #expect(
      nodes.map(\.active) == [.statusFile("/var/log/nodestatus_local"), .statusFile("/var/log/nodestatus_local")])
    guard case .haproxy(let usual)? = nodes[0].terminations.first, case .haproxy(let own)? = nodes[1].terminations.last
    else {
      Issue.record("no HAProxy")
      return
    }
    #expect(usual.path(label: "shop") == "/etc/loadbalancer.org/certs/shop/shop.pem")
    #expect(usual.socket == "/var/run/haproxy.stat")
    #expect(usual.reload == "service haproxy reload")
    #expect(own.socket == nil)
    #expect(own.certificates == usual.certificates)
    #expect(nodes[1].terminations.count == 2)
  }

  @Test func secretsAreNamedByFileOrVariableAndNullTakesThemBack() throws {
    let loaded = try Folder.load(
      """
      authorities:
        - id: ca
          directory: https://ca.example/directory
          eab: { kid: k, hmac_file: hmac }
          key_passphrase: { env: CA_PASSPHRASE }
      defaults: { ssh: { user: root, key: ~/.ssh/fleet, passphrase_env: FLEET_KEY, password_file: /etc/password } }
      pairs:
        - id: pair1
          vips: [{ id: web, address: 192.0.2.10 }]
          nodes:
            - { id: a, address: 192.0.2.11, ssh: { passphrase_env: ~, password: { env: NODE_PASSWORD } } }
            - { id: b, address: 192.0.2.12 }
      """)

    let inventory = try #require(loaded.inventory)
    let nodes = inventory.pairs.flatMap(\.nodes)
    #expect(inventory.authorities.first?.eab?.macKey == .file(loaded.folder + "/hmac"))
    #expect(inventory.authorities.first?.keyPassphrase == .environment("CA_PASSPHRASE"))
    #expect(nodes.map(\.ssh.key) == ["/home/ops/.ssh/fleet", "/home/ops/.ssh/fleet"])
    #expect(nodes.map(\.ssh.passphrase) == [nil, .environment("FLEET_KEY")])
    #expect(nodes.map(\.ssh.password) == [.environment("NODE_PASSWORD"), .file("/etc/password")])
    // Missing files are warnings: `check` is also of use where the secrets are not.
    #expect(Set(loaded.diagnostics.map(\.severity)) == [.warning])
  }

  @Test(arguments: [
    ("https://acme-v02.api.letsencrypt.org/directory", "", Authority.LimitSet.letsEncrypt),
    ("https://acme-staging-v02.api.letsencrypt.org/directory", "", .letsEncryptStaging),
    ("https://acme-v02.api.letsencrypt.org/directory", ", limits: none", .none), ("https://ca.example/dir", "", .none),
  ])
  func limitsFollowTheDirectoryUnlessTheyAreWritten(
    _ directory: String, _ more: String, _ limits: Authority.LimitSet
  ) throws {
    let inventory = try #require(try load(authorities: "{ id: ca, directory: \"\(directory)\"\(more) }").inventory)

    #expect(inventory.authorities.map(\.limits) == [limits])
  }

  private func load(authorities: String) throws -> Folder.Loaded {
    let start = try #require(Self.minimal.firstRange(of: "authorities: ["))
    let end = try #require(Self.minimal[start.upperBound...].firstIndex(of: "\n"))
    return try Folder.load(Self.minimal[..<start.lowerBound] + "authorities: [\(authorities)]" + Self.minimal[end...])
  }

  // G1: commands took the first of several without a word.
  @Test func aSecondAuthorityIsAFault() throws {
    let one = #"{ id: ca, directory: "https://ca.example/dir" }"#
    let loaded = try load(authorities: one + ", " + one.replacing("id: ca", with: "id: other"))

    #expect(loaded.inventory == nil)
    #expect(loaded.diagnostics.map(\.message) == ["a second certificate authority; a fleet has one"])
  }

  // H13, H17: what the CA would refuse when the account is made is said before.
  @Test(arguments: [
    (#"{ id: ca, directory: "https://ca.example:99999/dir" }"#, "has the port 99999"),
    (
      #"{ id: ca, directory: "https://acme-v02.api.letsencrypt.org/directory", contact: "mailto:ops@example.com" }"#,
      "the CA refuses contacts at “example.com”"
    ),
    (#"{ id: ca, directory: "https://ca.example/dir", contact: "ops@example.org" }"#, "is no contact URL"),
    (
      #"{ id: ca, directory: "https://acme-v02.api.letsencrypt.org/directory", preferred_root: "ISRG Root X3" }"#,
      "is not known to have a root “ISRG Root X3”"
    ),
  ])
  func whatTheCAWouldRefuseIsAFault(_ authority: String, _ word: String) throws {
    let loaded = try load(authorities: authority)

    #expect(loaded.diagnostics.count == 1)
    #expect(loaded.diagnostics.first?.message.contains(word) == true, "\(loaded.diagnostics)")
  }

  // MARK: Several files

  @Test func includedFilesBringTheirOwnDefaultsAndTheirOwnFolder() throws {
    let loaded = try Folder.load(
      Self.minimal + "include: [sites/*.yaml]\ndomains: [lists/*.csv]\n",
      [
        "sites/north.yaml": """
        defaults: { ssh: { key: keys/north } }
        customers: [{ id: north }]
        pairs:
          - id: north
            customer: north
            vips: [{ id: web, address: 192.0.2.20 }]
            nodes: [{ id: north-a, address: 192.0.2.21 }]
        domains: north.csv
        """,
        "sites/north.csv": "a.example.com,", "lists/b.csv": "", "lists/a.csv": "",
      ])

    let inventory = try #require(loaded.inventory)
    #expect(inventory.pairs.map(\.id.rawValue) == ["pair1", "north"])
    #expect(inventory.pairs[1].nodes[0].ssh.key == loaded.folder + "/sites/keys/north")
    #expect(inventory.pairs[1].nodes[0].ssh.useAgent)
    #expect(inventory.pairs[0].nodes[0].ssh.key == nil)
    #expect(
      inventory.domainFiles == ["lists/a.csv", "lists/b.csv", "sites/north.csv"].map { loaded.folder + "/" + $0 })
  }

  @Test func filesThatIncludeEachOtherAreReadOnce() throws {
    let loaded = try Folder.load(
      Self.minimal + "include: other.yaml\n", ["other.yaml": "include: [fleet.yaml, other.yaml]\n"])

    #expect(loaded.inventory?.pairs.count == 1)
  }

  @Test func faultsOfIncludedFilesStandInTheirFileAfterTheRootsOwn() throws {
    let loaded = try Folder.load(
      Self.minimal + "include: other.yaml\nbogus: 1\n", ["other.yaml": "state: elsewhere\npairs: [{ id: pair1 }]\n"])

    let places = loaded.diagnostics.map { $0.location.description.replacing(loaded.folder + "/", with: "") }
    #expect(places == ["fleet.yaml:8:1", "other.yaml:1:1", "other.yaml:2:9", "other.yaml:2:9", "other.yaml:2:15"])
    #expect(loaded.diagnostics[1].message == "“state” stands in an included file")
  }

  @Test func aPathStartsFromTheFolderOfItsFile() throws {
    let loaded = try Folder.load("state: ../state\n" + Self.minimal)

    let parent = URL(fileURLWithPath: loaded.folder).deletingLastPathComponent().path
    #expect(loaded.inventory?.state == parent + "/state")
    #expect(try Folder.load(Self.minimal).inventory?.state.hasSuffix("/state") == true)
  }

  @Test func aSecretFileThatOthersCanReadIsWarnedAbout() throws {
    let loaded = try Folder.load(
      Self.minimal.replacing("agent: true", with: "agent: true, password_file: password"), ["password": "x"])

    #expect(
      loaded.diagnostics.map(\.message) == ["the file that holds “password” can be read by others than its owner"])
  }

  // MARK: Enemies

  @Test func aMissingRootIsSaidInOneLine() {
    let error = #expect(throws: InventoryLoader.Unreadable.self) { try InventoryLoader.load(path: "/nowhere.yaml") }

    #expect(error?.description.hasPrefix("/nowhere.yaml: there is no such file; ") == true)
  }

  @Test func anAliasBombIsRefusedInNoTime() throws {
    var bomb = "a0: &a0 [x,x,x,x,x,x,x,x,x,x]\n"
    for level in 1...12 {
      let alias = "*a\(level - 1)"
      bomb += "a\(level): &a\(level) [" + Array(repeating: alias, count: 10).joined(separator: ",") + "]\n"
    }

    let value = try Folder.load(bomb)
    let key = try Folder.load(bomb + "? *a12\n: x\n")
    let flowKey = try Folder.load(bomb + "{ *a12 : x }\n")

    #expect(value.diagnostics.map(\.message).first?.hasPrefix("more than 500000 values") == true)
    #expect(key.diagnostics.map(\.message) == value.diagnostics.map(\.message))
    #expect(flowKey.diagnostics.map(\.message) == value.diagnostics.map(\.message))
  }

  @Test func manyAliasesAreFineWhereNoKeyIsOne() throws {
    var text = """
      authorities: [{ id: ca, directory: "https://ca.example/directory" }]
      resolvers: ["[2001:db8::53]:53", '[::1]:53']
      defaults: { ssh: &login { agent: true } }
      pairs:

      """
    for i in 1...60 {
      text += "  - { id: p\(i), vips: [{ id: web, address: 192.0.2.\(i) }], nodes: "
      text += "[{ id: n\(i), address: 192.0.3.\(i), ssh: *login }] }\n"
    }

    let loaded = try Folder.load(text)

    #expect(loaded.diagnostics == [])
    #expect(loaded.inventory?.pairs.count == 60)
    #expect(loaded.inventory?.resolvers == ["[2001:db8::53]:53", "[::1]:53"])
  }

  @Test func aWholeInventoryOnOneLineTakesNoSquareOfTime() throws {
    // 5,000 faults on one long line.
    let text = "{" + (0..<5_000).map { "\"unknown key number \($0) ä\": [1, 2, 3]" }.joined(separator: ", ") + "}"

    let loaded = try Folder.load(text)

    #expect(loaded.diagnostics.count > 5_000)
    #expect(DiagnosticPrinter().text(loaded.diagnostics).count < 200_000)
  }

  @Test func nestingWithoutEndIsRefused() throws {
    for text in [
      String(repeating: "[", count: 200_000), String(repeating: "{a: ", count: 100_000),
      String(repeating: "- ", count: 50_000),
      "a: " + String(repeating: "[", count: 60) + String(repeating: "]", count: 60),
    ] {
      let loaded = try Folder.load(text)

      #expect(loaded.inventory == nil)
      #expect(loaded.diagnostics.contains { $0.severity == .error })
      #expect(DiagnosticPrinter().text(loaded.diagnostics).count < 2_000)
    }
  }

  @Test func bytesThatAreNoTextAreFaultsWithTheirPlace() throws {
    let latin1 = try Folder.load(bytes: Array("state: a\nname: M".utf8) + [0xfc] + Array("ller\n".utf8))
    let zero = try Folder.load(bytes: Array("state: ä".utf8) + [0x00])
    let wide = try Folder.load(bytes: [0xff, 0xfe, 0x61, 0x00])

    #expect(
      latin1.diagnostics.map { "\($0.location.line):\($0.location.column) \($0.message)" } == [
        "2:8 bytes that are no UTF-8"
      ])
    #expect(
      zero.diagnostics.map { "\($0.location.line):\($0.location.column) \($0.message)" } == [
        "1:9 a control character (byte 0x0)"
      ])
    #expect(wide.diagnostics.count == 1)
  }

  @Test func aFileLargerThanAnyInventoryIsNotRead() {
    let folder = Folder()
    folder.write("fleet.yaml", Array(repeating: 0x20, count: 9 << 20))

    #expect(throws: InventoryLoader.Unreadable.self) { try InventoryLoader.load(path: folder.path + "/fleet.yaml") }
  }

  @Test func hostileWordsAreShownHarmless() throws {
    let loaded = try Folder.load(
      Self.minimal + "\"\\u001b[31mkey\": 1\n" + "resolvers: [\"\\u202egpj\"]\n" + "state: \"a\\0b\"\n")

    let text = DiagnosticPrinter().text(loaded.diagnostics)
    #expect(loaded.diagnostics.count == 3)
    #expect(!text.unicodeScalars.contains { $0.value < 0x20 && $0 != "\n" || $0.value == 0x202e })
  }

  @Test func printingStopsAtALimitAndCountsTheRest() {
    let place = SourceLocation(file: "x", line: 1, column: 1)
    let many = (0..<500).map { Diagnostic($0.isMultiple(of: 2) ? .warning : .error, at: place, "fault \($0)") }

    let text = DiagnosticPrinter(limit: 300).text(many)

    #expect(text.split(separator: "\n").count == 301)
    #expect(text.hasSuffix("… and 200 more\n"))
    #expect(DiagnosticPrinter.summary(many) == "250 errors, 250 warnings")
    #expect(DiagnosticPrinter.summary([]) == nil)
  }
}
