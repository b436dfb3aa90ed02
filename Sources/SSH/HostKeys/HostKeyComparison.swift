/// What becomes of the host keys that a node shows.
public enum HostKeyComparison: Sendable, Equatable {
  /// They are pinned already.
  case pinned
  /// These are to be pinned, and no others.
  case pin([HostKey])
  /// A known_hosts file forbids this one: nothing is pinned.
  case revoked(HostKey)
  /// Nothing is pinned yet, and nobody has compared them.
  case unknown
  /// Other keys are pinned.
  case changed

  /// Each key is judged for itself: a file that has one key of a node says nothing about the others that the node shows.
  ///
  /// - Parameters:
  ///   - shown: the keys that the node shows.
  ///   - pinned: the keys that are pinned for it, in OpenSSH's one-line form.
  ///   - file: a known_hosts file whose entries count as compared by a person, where nothing is pinned.
  ///   - accepts: a person compared what is shown.
  public static func decide(
    shown: [HostKey], pinned: [String], file: KnownHosts?, host: String, port: UInt16, accepts: Bool
  ) -> HostKeyComparison {
    if let revoked = shown.first(where: { file?.revoked.contains($0) == true }) { return .revoked(revoked) }
    let forms = shown.map(\.openSSH)
    let isSame = forms.allSatisfy { form in
      pinned.contains(form) || !pinned.contains { $0.hasPrefix(form.prefix { $0 != " " } + " ") }
    }
    if isSame, forms.contains(where: pinned.contains) { return .pinned }
    if accepts { return .pin(shown) }
    guard pinned.isEmpty else { return .changed }
    let listed = file?.keys(for: host, port: port) ?? []
    let compared = shown.filter(listed.contains)
    return compared.isEmpty ? .unknown : .pin(compared)
  }
}
