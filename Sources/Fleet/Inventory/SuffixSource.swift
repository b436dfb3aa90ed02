/// Where the public suffix list comes from, unless `public_suffix_list:` names a file.
public enum SuffixSource: Sendable, Equatable {
  /// The system's alone: nothing is fetched.
  case system
  /// Fetched from this https URL and kept in the state directory; `trust` is a PEM file of the roots that count instead of the system's.
  case fetched(url: String, trust: String?)

  /// The list's own address.
  public static let usual = SuffixSource.fetched(
    url: "https://publicsuffix.org/list/public_suffix_list.dat", trust: nil)
}

/// Reads `suffixes:`.
struct SuffixReader {
  let context: ReadingContext

  static let keys = ["url", "trust"]

  func read(_ root: Section) -> SuffixSource {
    guard let node = root.node("suffixes"), !node.isNull else { return .usual }
    if case .scalar(let text, _) = node.value {
      if text == "system" { return .system }
      return url(text, at: node.location).map { .fetched(url: $0, trust: nil) } ?? .usual
    }
    guard let section = root.section("suffixes", "“suffixes”", keys: Self.keys) else { return .usual }
    let trust = section.path("trust", reading: .certificates)
    guard let text = section.text("url", orMissing: "write the list's https URL, or `suffixes: system`"),
      let url = url(text, at: section.location(of: "url"))
    else { return .usual }
    return .fetched(url: url, trust: trust)
  }

  private func url(_ text: String, at location: SourceLocation) -> String? {
    let rest = text.dropFirst("https://".count)
    if text.lowercased().hasPrefix("https://"), !rest.isEmpty, !rest.hasPrefix("/"),
      !rest.prefix(while: { $0 != "/" }).contains("@"), text.utf8.allSatisfy({ (0x21...0x7e).contains($0) })
    {
      return text
    }
    context.faults.error(
      at: location, "“\(Printable.short(text, 64))” is no address of a public suffix list",
      remedy: "write an https URL, or `system` to use the system's list alone")
    return nil
  }
}
