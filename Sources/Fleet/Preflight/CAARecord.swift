/// One CAA property as it stands in DNS (RFC 8659 §4.1). Hostile text.
public struct CAARecord: Sendable, Hashable {
  /// A CA that does not know the tag must not issue.
  public var isCritical: Bool
  /// `issue`, `issuewild`, `iodef`, …
  public var tag: String
  /// The value.
  public var value: String

  /// Collects the parts.
  public init(isCritical: Bool = false, tag: String, value: String) {
    self.isCritical = isCritical
    self.tag = tag
    self.value = value
  }

  /// As it stands in a zone file.
  var text: String { "\(isCritical ? 128 : 0) \(tag) \"\(value)\"" }
}

/// The value of an `issue` or `issuewild` property: an issuer, or none, and its parameters.
struct CAAIssueValue: Equatable {
  /// The CA that may issue; nil: nobody by this property.
  var issuer: String?
  /// In order; a tag may stand twice, which RFC 8657 forbids for its own.
  var parameters: [Parameter] = []

  struct Parameter: Equatable {
    var tag: String
    var value: String
  }

  /// Reads RFC 8659 §4.2: `issuer-domain-name ; tag=value ; …`. Nil where the text is none; such a property allows nobody.
  init?(_ text: String) {
    var parts = text.split(separator: ";", omittingEmptySubsequences: false).map(Self.trimmed)
    let name = parts.removeFirst()
    if !name.isEmpty {
      guard name.split(separator: ".", omittingEmptySubsequences: false).allSatisfy(Self.isLabel) else { return nil }
      issuer = name.lowercased()
    }
    for part in parts where !part.isEmpty {
      guard let equals = part.firstIndex(of: "=") else { return nil }
      let tag = Self.trimmed(part[..<equals])
      let value = Self.trimmed(part[part.index(after: equals)...])
      guard Self.isLabel(tag), value.utf8.allSatisfy({ (0x21...0x7e).contains($0) }) else { return nil }
      parameters.append(Parameter(tag: tag.lowercased(), value: String(value)))
    }
  }

  /// The values of a parameter.
  func values(of tag: String) -> [String] { parameters.filter { $0.tag == tag }.map(\.value) }

  private static func trimmed(_ text: Substring) -> Substring {
    var text = text
    while let first = text.first, first == " " || first == "\t" { text.removeFirst() }
    while let last = text.last, last == " " || last == "\t" { text.removeLast() }
    return text
  }

  /// Letters, digits and inner hyphens.
  private static func isLabel(_ text: Substring) -> Bool {
    text.first != "-" && text.last != "-" && !text.isEmpty
      && text.utf8.allSatisfy { byte in
        switch UnicodeScalar(byte) {
        case "a"..."z", "A"..."Z", "0"..."9", "-": true
        default: false
        }
      }
  }
}
