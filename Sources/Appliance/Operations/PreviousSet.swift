public import Fleet
public import SSH

/// What a node keeps of one certificate's predecessor, and what lies in its place now.
public struct KeptPrevious: Sendable, Equatable {
  /// The certificate.
  public var spec: SpecID
  /// What lies on the disk now.
  public var current: Current
  /// What is kept.
  public var kept: Kept

  /// What lies under the certificate's name.
  public enum Current: Sendable, Equatable {
    /// This leaf, by SHA-256 in hex.
    case leaf(String)
    /// No file.
    case none
    /// A file that is no certificate.
    case unreadable
  }

  /// What `.certfleet/previous` holds for a label.
  public enum Kept: Sendable, Equatable {
    /// The leaf, as PEM.
    case leaf(String)
    /// The newest certificate was the first one: before it there was no file.
    case first
    /// Nothing: no rollout of ours has replaced anything here.
    case none
  }
}

/// The shell side of asking what could be put back.
enum PreviousShell {
  /// `previous ITEMS`: for each `item N CURRENT KEPT [BASE64]`. Touches nothing.
  static let library: ShellText = #"""
    previous() {
      for v_i in "$@"; do
        item_$v_i
        beat
        v_kept=$base/.certfleet/previous/$label
        leaf "$target"
        if [ -e "$v_kept.pem" ]; then
          say item $v_i "$LEAF" leaf "$(openssl x509 -in "$v_kept.pem" 2>/dev/null | sed -e '/^-----/d' | tr -d '\r\n')"
        elif [ -e "$v_kept.absent" ]; then say item $v_i "$LEAF" first
        else say item $v_i "$LEAF" none
        fi
      done
    }
    """#
}

extension RolloutWork {
  /// Says what `rollBack(to: .ofLastRollout)` would put back, for each certificate, and what lies there now.
  public func previous(nonce: Nonce) -> RemoteScript {
    look(PreviousShell.library, "", verb: "previous", nonce: nonce)
  }

  /// Reads the answer to `previous`. A certificate that lies at two terminations must be kept at both.
  public func readPrevious(_ result: CommandResult, of script: RemoteScript) throws(Failure) -> [KeptPrevious] {
    var found: [SpecID: KeptPrevious] = [:]
    var seen: Set<Int> = []
    for record in try transcript(result, script).all("item") {
      let words = record.words(4)
      guard let index = Int(words[0]), items.indices.contains(index), seen.insert(index).inserted else {
        throw Failure(.interrupted, "the node's answer is garbled: \(record.rest)", node: node.id)
      }
      let kept: KeptPrevious.Kept =
        switch words[2] {
        case "leaf": PEM.wrap(words[3], label: "CERTIFICATE").map { .leaf($0) } ?? .none
        case "first": .first
        default: .none
        }
      let spec = items[index].file.spec
      let current: KeptPrevious.Current =
        switch words[1] {
        case "none": .none
        case "unreadable": .unreadable
        default: .leaf(words[1])
        }
      let answer = KeptPrevious(spec: spec, current: current, kept: kept)
      if let other = found[spec], other != answer {
        // Apart from each other: nothing that could be put back as one.
        found[spec] = KeptPrevious(spec: spec, current: .unreadable, kept: .none)
      } else {
        found[spec] = answer
      }
    }
    guard seen.count == items.count else {
      throw Failure(.interrupted, "the node spoke of \(seen.count) of \(items.count) files", node: node.id)
    }
    return found.sorted { $0.key < $1.key }.map(\.value)
  }
}
