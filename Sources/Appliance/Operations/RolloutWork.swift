public import Fleet

/// The steps of a rollout on one node, as scripts and as answers. Every step may be repeated.
///
/// Order of a rollout on a pair: ``KeyWork/recipient(_:on:nonce:)`` on the peer, ``KeyWork/seal(_:to:rollout:on:nonce:)`` where the keys lie,
/// then `stage`, `activate`, `verify` here, and `cleanUp`; or `rollBack`, `verifyOld`, `cleanUp`.
public struct RolloutWork: Sendable {
  /// The node.
  public let node: Node
  /// What it can do.
  public let facts: NodeFacts
  /// Names the directories of this rollout.
  public let rollout: RolloutID
  /// The batch, without those that were ejected.
  public let files: [BatchFile]
  /// A role check at the head of `activate`, if asked for.
  public var roles: ExpectedRoles?

  /// One file at one termination: a certificate lies twice where two terminations hold its VIP.
  let items: [Item]

  /// Collects the parts.
  public init(
    node: Node, facts: NodeFacts, rollout: RolloutID, files: [BatchFile], roles: ExpectedRoles? = nil
  ) {
    self.node = node
    self.facts = facts
    self.rollout = rollout
    self.files = files
    self.roles = roles
    var items: [Item] = []
    for termination in TerminationShell.all(of: node) {
      for (attempt, file) in files.enumerated() where termination.termination.vips?.contains(file.vip) ?? true {
        items.append(Item(index: items.count, attempt: attempt, file: file, termination: termination))
      }
    }
    self.items = items
  }

  /// The VIPs whose role is asked again right before anything is changed: a fail-over in between means starting over.
  public struct ExpectedRoles: Sendable, Equatable {
    /// The VIPs.
    public var vips: [VIP]
    /// Those that this node must hold; the others it must not.
    public var active: Set<VIPID>

    /// Collects the parts.
    public init(vips: [VIP], active: Set<VIPID>) {
      self.vips = vips
      self.active = active
    }
  }

  struct Item: Sendable {
    let index: Int
    /// The place of its file in the batch.
    let attempt: Int
    let file: BatchFile
    let termination: TerminationShell
  }

  /// The terminations that take part.
  var terminations: [TerminationShell] {
    TerminationShell.all(of: node).filter { shell in items.contains { $0.termination.index == shell.index } }
  }

  /// Where rolling back finds what was there before.
  public enum Previous: String, Sendable, CaseIterable {
    /// What this rollout replaced.
    case ofRollout
    /// What the last completed rollout replaced, for an operator's `rollback`.
    case ofLastRollout
  }

  /// Builds the PEMs on the node, compares keys and leaves, and lets HAProxy or stunnel check them apart from everything else. Nothing that
  /// is in use is touched.
  public func stage(nonce: Nonce) -> RemoteScript {
    var body = head("\(BatchLibrary.likeness)\n\(StageShell.library)\n")
    let held = Set(items.map(\.attempt)).sorted()
    var sent: [(name: String, content: String)] = []
    body += setters
    for number in held {
      let stem = FileStem(files[number].attempt.rawValue).text
      sent.append(("\(stem).chain", files[number].chain))
      if let sealed = files[number].sealedKey { sent.append(("\(stem).cms", sealed)) }
      body += "attempt_\(number)() { att=\(ShellWord(stem)); "
      body += "public=\(ShellWord(files[number].publicKeySHA256.lowercased())); }\n"
    }
    body += ShellText.files(sent, nonce: nonce)
    body += "prepare \(ShellText(words: held.map { "\($0)" }))\n"
    for termination in terminations {
      body += "\(termination.call)\nstage_term \(numbers(of: termination))\n"
    }
    return script(body, nonce: nonce)
  }

  /// Puts the new set into memory and onto the disk, and keeps the previous one. What the node refuses it puts back by itself, reloading
  /// once more where it reloaded.
  public func activate(nonce: Nonce) -> RemoteScript {
    var body = head(
      "\(HAProxyActivation.library)\n\(StunnelActivation.library)\n\(Sifting.library)\n\(StageShell.alone)\n")
    if let roles {
      body += RoleShell.guarded(node.active, vips: roles.vips, active: roles.active)
    }
    body += setters
    // First for the whole node: two terminations may share a file, and the true previous one must be kept.
    for termination in terminations {
      body += "\(termination.call)\nkeep_all \(numbers(of: termination))\n"
    }
    for termination in terminations {
      body += "\(termination.call)\n\(way(of: termination))activate_$KIND \(numbers(of: termination))\n"
    }
    return script(body, nonce: nonce)
  }

  /// Says what lies on the disk and what memory holds, for each certificate.
  public func verify(nonce: Nonce) -> RemoteScript { inspection(old: false, nonce: nonce) }

  /// The same after rolling back, against the previous set.
  public func verifyOld(_ previous: Previous = .ofRollout, nonce: Nonce) -> RemoteScript {
    inspection(old: true, previous, nonce: nonce)
  }

  /// Puts the previous set back, removing what was new.
  public func rollBack(to previous: Previous = .ofRollout, nonce: Nonce) -> RemoteScript {
    var body = head("\(HAProxyActivation.library)\n\(StunnelActivation.library)\n\(RollBackShell.library)\n")
    body += "PREVIOUS=\(ShellWord(previous == .ofRollout ? "" : "1"))\n"
    body += setters
    for termination in terminations {
      body += "\(termination.call)\nroll_back \(numbers(of: termination))\n"
    }
    return script(body, nonce: nonce)
  }

  /// Removes what was staged, here and by rollouts long gone, and the keys of attempts that nobody needs any more. After a success what was
  /// replaced becomes the kept previous set; so it does of a rollout that was cut short, as far as it came.
  public func cleanUp(succeeded: Bool, spent: [AttemptID] = [], nonce: Nonce) -> RemoteScript {
    var body = head("\(CleanUpShell.library)\n")
    for termination in TerminationShell.all(of: node) {
      body += "\(termination.functions)\(termination.targets)\(termination.call)\n"
      body += "clean_up \(ShellWord(succeeded ? "1" : ""))\n"
    }
    body += KeyShell.forgetting(spent)
    body += "clean_work\n"
    return script(body, nonce: nonce)
  }

  private func inspection(old: Bool, _ previous: Previous = .ofRollout, nonce: Nonce) -> RemoteScript {
    let which: ShellText = """
      OLD=\(ShellWord(old ? "1" : ""))
      PREVIOUS=\(ShellWord(previous == .ofRollout ? "" : "1"))

      """
    return look(InspectShell.library, which, verb: "inspect", nonce: nonce)
  }

  /// A step that only looks. Asked outside a rollout it leaves no directory behind.
  ///
  /// - Parameters:
  ///   - clears: it belongs to no rollout, so all that it wrote there goes.
  ///   - locks: waits for whoever works there. Without it, the script keeps what it needs to itself, and counts as no touch.
  func look(
    _ library: ShellText, _ settings: ShellText, verb: ShellText, clears: Bool = false, locks: Bool = true, nonce: Nonce
  ) -> RemoteScript {
    var body = head("\(library)\n", locks: locks)
    body += settings
    body += setters
    for termination in terminations {
      body += "\(termination.call)\n\(verb) \(numbers(of: termination))\n"
    }
    body += "TMPDIR=$W\n"
    body += clears ? "rm -rf \"$R\"\n" : "rmdir \"$R\" 2>/dev/null\n"
    return script(body, nonce: nonce)
  }

  /// Everything that each of these scripts begins with.
  private func head(_ library: ShellText, locks: Bool = true) -> ShellText {
    let hot = ShellWord(facts.hotUpdate.rawValue)
    let place: ShellText = locks ? "R=$W/rollouts/$RID\nlock\n" : "R=$W/$RID.$$\n"
    return """
      \(ShellLibrary.certificates)
      \(ShellLibrary.files)
      \(BatchLibrary.files)
      \(HAProxyLibrary.socket)
      \(HAProxyLibrary.update)
      \(CertificateStores.library)
      \(MasterSocket.library)
      \(HAProxyLibrary.check)
      \(SideFiles.library)
      \(CertificateList.library)
      \(library)
      work
      RID=\(ShellWord(FileStem(rollout.rawValue).text))
      \(place)
      try mkdir -p "$R" || die "$K" "cannot make $R: $E"
      TMPDIR=$R
      find_client
      COLD=; PREVIOUS=; HOT=\(hot); WARM=\(hot); PAYLOAD=\(facts.payloadLimit); PFX=

      """
  }

  /// `item_N` sets the values of one item.
  private var setters: ShellText {
    var text: ShellText = ""
    for termination in terminations { text += termination.functions }
    for item in items {
      let file = item.file
      let expected: String =
        switch file.expected {
        case .anything: "any"
        case .leaves(let leaves): leaves.map { $0.lowercased() }.joined(separator: " ")
        }
      text += """
        item_\(item.index)() {
          I=\(item.index); p=\(item.attempt); label=\(ShellWord(FileStem(file.label).text)); target=\(ShellWord(path: item.termination.path(label: file.label)))
          att=\(ShellWord(FileStem(file.attempt.rawValue).text)); new=\(ShellWord(file.sha256.lowercased()))
          expect=\(ShellWord(expected)); names=\(ShellWord(file.names.names.joined(separator: " "))); serial=\(ShellWord(file.serial.uppercased())); sha1=\(ShellWord(file.sha1 ?? ""))
          D=$base/.certfleet/$RID/$T; staged=$D/new/$label.pem
        }

        """
      if case .stunnel(let stunnel) = item.termination.termination {
        text += StunnelActivation.section(of: item, in: stunnel)
      }
    }
    return text
  }

  /// The terminations, by their place in the node's list, that can put this batch into use only by a reload. Another one reloads where its
  /// socket refuses, which nobody knows before.
  public var reloading: [Int] {
    terminations.filter { termination in
      switch termination.termination {
      case .stunnel: true
      case .haproxy:
        facts.hotUpdate == .none || reasonToReload(termination) != nil
          || facts.terminations.indices.contains(termination.index)
            && facts.terminations[termination.index].control != .works
      }
    }.map(\.index)
  }

  private func reasonToReload(_ termination: TerminationShell) -> String? {
    facts.reasonToReload(items.count { $0.termination.index == termination.index }, at: termination.index)
  }

  /// A reload instead of many hot updates, where measured load time says so.
  private func way(of termination: TerminationShell) -> ShellText {
    guard let reason = reasonToReload(termination) else {
      return "COLD=; HOT=\(ShellWord(facts.hotUpdate.rawValue))\n"
    }
    return "COLD=\(ShellWord(reason)); HOT=none\n"
  }

  private func numbers(of termination: TerminationShell) -> ShellText {
    ShellText(words: items.filter { $0.termination.index == termination.index }.map { "\($0.index)" })
  }

  private func script(_ body: ShellText, nonce: Nonce) -> RemoteScript {
    RemoteScript(body, for: node.login, nonce: nonce, idle: .seconds(90))
  }
}
