import Controller

/// What `--version` prints: our own version and those of the libraries that do the work.
enum Version {
  static var text: String {
    (["certfleet \(Libraries.own)"] + Libraries.versions.map { "\($0.name) \($0.version)" }).joined(separator: "\n")
  }
}
