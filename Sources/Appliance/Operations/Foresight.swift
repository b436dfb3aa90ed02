public import Fleet
import Foundation
public import SSH

/// What a rollout would refuse, seen before an order is spent on it.
public struct Foresight: Sendable, Equatable {
  /// What would be refused, by certificate; one that is not here would be taken.
  public var refusals: [SpecID: Failure]
  /// Certificates that would take the place of the default one, by certificate.
  public var displaced: [SpecID: Displaced]

  /// Other files that hold a name of a certificate, each with the options of its line in a crt-list: HAProxy serves the one that it loads first.
  public var beside: [SpecID: [String]] = [:]

  /// A default certificate, and why it is not to be displaced unless it is ours as well.
  public struct Displaced: Sendable, Equatable {
    /// SHA-256 of its leaf, lower-case hex.
    public var leaf: String
    /// What is to be said.
    public var failure: Failure
  }
}

extension BatchFile {
  /// A certificate that is not there yet, to ask whether a node would take it.
  public init(wanted spec: CertificateSpec, expected: Expected) {
    self.init(
      spec: spec.id, attempt: AttemptID("none"), vip: spec.vip, label: spec.label, names: spec.names, chain: "",
      sha256: "-", serial: "-", publicKeySHA256: "-", expected: expected)
  }
}

extension RolloutWork {
  /// Looks at the places of all files with the very conditions of `stage` and `activate`. Changes nothing.
  public func foresee(nonce: Nonce) -> RemoteScript {
    let names = items.flatMap { item in item.file.names.names.map { "\(item.index) \($0)\n" } }.joined()
    let library: ShellText =
      "\(HAProxyActivation.library)\n\(NoticeShell.library)\n\(StageShell.refusals)\n\(ForesightShell.library)"
    return look(
      library, ShellText.file("\"$R/wants\"", holding: names, nonce: nonce), verb: "foresee", clears: true,
      locks: false, nonce: nonce
    )
  }

  /// Reads the answer to `foresee`.
  public func readForesight(_ result: CommandResult, of script: RemoteScript) throws(Failure) -> Foresight {
    let answer = try read(result, of: script)
    let transcript = try transcript(result, script)
    var refusals: [SpecID: Failure] = [:]
    var displaced: [SpecID: Foresight.Displaced] = [:]
    for (spec, outcome) in answer.certificates {
      switch outcome {
      case .done: continue
      case .refused(let failure), .stuck(let failure): refusals[spec] = failure
      }
    }
    var firsts: [Int: (leaf: String, path: String)] = [:]
    for record in transcript.all("first") {
      let words = record.words(3)
      if let index = Int(words[0]) { firsts[index] = (words[1], words[2]) }
    }
    for record in transcript.all("before") {
      guard let index = Int(record.rest), items.indices.contains(index) else { continue }
      let item = items[index]
      guard item.file.expected != .anything, let first = firsts[item.termination.index] else { continue }
      let name = item.termination.path(label: item.file.label).split(separator: "/").last.map(String.init) ?? ""
      displaced[item.file.spec] = Foresight.Displaced(
        leaf: first.leaf,
        failure: Failure(
          .wouldBeDefault,
          "\(name) would sort before \(first.path), which visitors without a server name get now, and take its place",
          name: item.file.names.first, node: node.id))
    }
    var beside: [SpecID: [String]] = [:]
    for record in transcript.all("beside") {
      let words = record.words(2)
      guard let index = Int(words[0]), items.indices.contains(index) else { continue }
      let text = words[1].trimmingCharacters(in: .whitespaces)
      if beside[items[index].file.spec]?.contains(text) != true {
        beside[items[index].file.spec, default: []].append(text)
      }
    }
    return Foresight(refusals: refusals, displaced: displaced, beside: beside)
  }
}
