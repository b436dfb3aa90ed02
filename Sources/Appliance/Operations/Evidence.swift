public import Fleet
public import SSH

/// What one node holds of one certificate: on the disk and in memory are different facts, the wire is a third, which the controller sees.
public struct Evidence: Sendable, Equatable {
  /// What was looked at.
  public var spec: SpecID
  /// The termination's place in the node's list.
  public var termination: Int
  /// What lies under the certificate's path.
  public var disk: Copy
  /// What the running process holds; nil where it cannot be asked.
  public var memory: Copy?
  /// Why memory could not be asked.
  public var blindness: String?
  /// The crt-list file, where it has no line for this file: after a reload the certificate would not be in use.
  public var unlisted: String?

  /// One copy of a certificate.
  public struct Copy: Sendable, Equatable {
    /// Whether it is the one that was looked for.
    public var standing: Standing
    /// SHA-256 of the leaf (disk) or SHA-1 (memory: all that HAProxy tells), hex; nil where there is none.
    public var fingerprint: String?
    /// The serial number, hex.
    public var serial: String?
  }

  /// How a copy compares with the one looked for.
  public enum Standing: String, Sendable, Codable {
    /// It is the one; after rolling back a new certificate: it is gone, as it should.
    case same
    /// It is another one.
    case other
    /// There is none.
    case absent
    /// Memory holds it, but nothing uses it.
    case unused
  }

  /// The best proof that the node itself gives, or why there is none.
  public var proof: Result<(level: Proof, reason: String), Failure> {
    guard disk.standing == .same else {
      let there = disk.serial.map { "serial \($0)" } ?? "nothing readable"
      return .failure(Failure(.servesOldCertificate, "the file on the disk holds \(there)"))
    }
    if let unlisted {
      return .failure(
        Failure(
          .stageRefused,
          "\(unlisted) has no line for it: whatever is in memory now, after a restart it would not be served"))
    }
    guard let memory else { return .success((.disk, blindness ?? "stunnel does not tell what it holds")) }
    switch memory.standing {
    case .same: return .success((.memory, "show ssl cert"))
    case .unused:
      return .failure(Failure(.servesOldCertificate, "HAProxy holds the certificate, but no bind line uses it"))
    case .other, .absent:
      return .failure(Failure(.servesOldCertificate, "HAProxy's memory holds \(memory.serial ?? "nothing") instead"))
    }
  }
}

extension RolloutWork {
  /// Reads the answer to `verify` or `verifyOld`: one piece of evidence for each certificate and termination.
  public func readEvidence(_ result: CommandResult, of script: RemoteScript) throws(Failure) -> [Evidence] {
    let transcript = try transcript(result, script)
    var blind: [Int: String] = [:]
    for record in transcript.all("blind") {
      let words = record.words(2)
      if let index = Int(words[0]) { blind[index] = words[1] }
    }
    var unlisted: [Int: String] = [:]
    for record in transcript.all("unlisted") {
      let words = record.words(2)
      if let index = Int(words[0]) { unlisted[index] = words[1] }
    }
    var evidence: [Int: Evidence] = [:]
    for record in transcript.all("item") {
      let words = record.words(7)
      guard let index = Int(words[0]), items.indices.contains(index), evidence[index] == nil,
        let disk = Evidence.Standing(rawValue: words[1])
      else { throw Failure(.interrupted, "the node's evidence is garbled: \(record.rest)", node: node.id) }
      let item = items[index]
      let found = Evidence(
        spec: item.file.spec, termination: item.termination.index,
        disk: Evidence.Copy(
          standing: disk, fingerprint: words[2] == "none" ? nil : words[2], serial: Self.value(words[3])),
        memory: Evidence.Standing(rawValue: words[4]).map {
          Evidence.Copy(standing: $0, fingerprint: Self.value(words[6]), serial: Self.value(words[5]))
        },
        blindness: blind[item.termination.index], unlisted: unlisted[index])
      evidence[index] = found
    }
    guard evidence.count == items.count else {
      throw Failure(
        .interrupted, "the node gave evidence for \(evidence.count) of \(items.count) files", node: node.id)
    }
    return evidence.sorted { $0.key < $1.key }.map(\.value)
  }

  private static func value(_ word: String) -> String? { word.isEmpty || word == "-" ? nil : word }
}
