public import Fleet
public import SSH

/// What a node answered to one step of a rollout: something about every certificate, or a failure of the whole step.
public struct NodeAnswer: Sendable, Equatable {
  /// One answer for each certificate of the batch that this node holds; where two terminations hold it, the worse one.
  public var certificates: [SpecID: Outcome]
  /// What an operator must hear though the step went on: this node cannot restart.
  public var alarms: [Failure]
  /// The reloads that the step cost, by termination.
  public var reloads: [Reload]

  /// What became of one certificate.
  public enum Outcome: Sendable, Equatable {
    /// Done, and how.
    case done(How)
    /// The node refused it and holds what it held before; the rest went on.
    case refused(Failure)
    /// Neither the new nor the old set could be put in place whole: a person must look, after `rollBack` was tried.
    case stuck(Failure)

    var rank: Int {
      switch self {
      case .done: 0
      case .refused: 1
      case .stuck: 2
      }
    }
  }

  /// How a certificate was staged, activated or put back.
  public enum How: String, Sendable, Codable {
    case staged
    /// In memory without a reload, and on the disk.
    case hot
    /// On the disk, and the reload was accepted.
    case reload
    /// On the disk, and a reload was asked for that left no trace: only the wire can tell.
    case unconfirmed
    /// This rollout had not touched it.
    case untouched
  }

  /// A reload and what it took.
  public struct Reload: Sendable, Equatable {
    /// The termination's place in the node's list.
    public var termination: Int
    /// How many reloads: 0, 1, or 2 where the old set went back.
    public var count: Int
    /// Milliseconds from the last command to its acceptance.
    public var milliseconds: Int
    /// Why it was not a hot update; empty where it was.
    public var reason: String
  }

  /// Those of which the node could not tell whether its reload was taken up.
  public var unconfirmed: Set<SpecID> { Set(certificates.filter { $0.value == .done(.unconfirmed) }.keys) }

  /// Those that are done.
  public var done: [SpecID] { certificates.filter { if case .done = $0.value { true } else { false } }.keys.sorted() }

  /// The failures, by certificate.
  public var failures: [(spec: SpecID, failure: Failure)] {
    certificates.sorted { $0.key < $1.key }.compactMap { entry in
      switch entry.value {
      case .done: nil
      case .refused(let failure), .stuck(let failure): (entry.key, failure)
      }
    }
  }
}

extension RolloutWork {
  /// Reads the answer to `stage`, `activate` or `rollBack`.
  public func read(_ result: CommandResult, of script: RemoteScript) throws(Failure) -> NodeAnswer {
    let transcript = try transcript(result, script)
    var answer = NodeAnswer(certificates: [:], alarms: [], reloads: [])
    var seen: Set<Int> = []
    for record in transcript.all("item") {
      let words = record.words(3)
      guard let index = Int(words[0]), items.indices.contains(index), seen.insert(index).inserted else {
        throw Failure(.interrupted, "the node spoke twice of a certificate, or of none of ours", node: node.id)
      }
      answer.note(outcome(words[1], words[2], items[index].file), for: items[index].file.spec)
    }
    for item in items where !seen.contains(item.index) {
      let silence = Failure(.interrupted, "the node said nothing about this certificate", node: node.id)
      answer.note(.stuck(silence), for: item.file.spec)
    }
    for record in transcript.all("term") {
      let words = record.words(4)
      guard let termination = Int(words[0]), let count = Int(words[1]), let hundredths = Int(words[2]) else { continue }
      answer.reloads.append(
        NodeAnswer.Reload(termination: termination, count: count, milliseconds: hundredths * 10, reason: words[3]))
    }
    answer.alarms = alarms(transcript)
    return answer
  }

  /// Reads the answer to `cleanUp`: left-overs are harmless dot-files, so they are only told.
  public func readCleanUp(_ result: CommandResult, of script: RemoteScript) throws(Failure) -> [String] {
    let transcript = try transcript(result, script)
    guard transcript.records.contains(where: { $0.name == "clean" && $0.rest == "work" }) else {
      throw Failure(.interrupted, "the node did not say that it is tidy", node: node.id)
    }
    return transcript.all("left").map { String($0.rest) }
  }

  func transcript(_ result: CommandResult, _ script: RemoteScript) throws(Failure) -> Transcript {
    do throws(Failure) {
      return try Transcript(result, nonce: script.nonce)
    } catch {
      var failure = error
      failure.node = node.id
      throw failure
    }
  }

  private func outcome(_ word: String, _ text: String, _ file: BatchFile) -> NodeAnswer.Outcome {
    switch word {
    case "staged": return .done(.staged)
    case "active", "back":
      if let how = NodeAnswer.How(rawValue: text), how != .staged { return .done(how) }
    case "untouched": return .done(.untouched)
    default: break
    }
    let refusal = Refusal(word: word)
    let detail = refusal == .garbled ? "the node said: \(word) \(text)" : text
    let failure = refusal.failure(detail, name: file.names.first, node: node.id)
    return refusal == .stuck || refusal == .garbled ? .stuck(failure) : .refused(failure)
  }

  private func alarms(_ transcript: Transcript) -> [Failure] {
    let broken = transcript.all("baseline").filter { $0.words(3)[1] == "fail" }.map { $0.words(3)[2] }
    let told = transcript.all("cannot-restart").map { _ in "its configuration is refused as it is" }
    return (broken + told.prefix(broken.isEmpty ? 1 : 0)).map { Failure(.nodeCannotRestart, $0, node: node.id) }
  }
}

extension NodeAnswer {
  fileprivate mutating func note(_ outcome: Outcome, for spec: SpecID) {
    if let known = certificates[spec], known.rank >= outcome.rank { return }
    certificates[spec] = outcome
  }
}
