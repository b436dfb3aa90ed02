public import Foundation

/// What public CAs accept as a domain name, and which registered domain a name counts under.
public struct DomainNameRules: Sendable {
  /// Let's Encrypt refuses names of more than ten labels (the wildcard is not counted).
  public static let maximumLabels = 10

  private let suffixes: SuffixList
  private let extraSuffixes: Set<String>

  /// Reads the public suffix list.
  ///
  /// - Parameters:
  ///   - listPath: A list in text or DAFSA form; `nil` takes the system's newest.
  ///   - extraSuffixes: Private suffixes of this fleet (`lan`, `corp.example`), with or without a dot in front.
  public init(listPath: String? = nil, extraSuffixes: [String] = []) throws(NameFault) {
    suffixes = try SuffixList(path: listPath)
    var extra = Set<String>()
    for text in extraSuffixes {
      let bare = text.hasPrefix(".") ? String(text.dropFirst()) : text
      do throws(NameFault) {
        extra.insert(try Self.asciiName(bare, singleLabelAllowed: true))
      } catch {
        throw NameFault.badSuffix(text)
      }
    }
    self.extraSuffixes = extra
  }

  /// How many rules the list has; nil where it is in a form that does not tell (DAFSA).
  public var ruleCount: Int? { suffixes.count }

  /// The list in use and its date: the date written in it, else the file's. The caller warns when it is old.
  public var listAge: (path: String, modified: Date)? { suffixes.age }

  /// The name as a CA wants it: lower-case A-labels, no trailing dot, `*.` kept.
  ///
  /// IDNs go through UTS-46 (non-transitional, NFC), as browsers do it. Let's Encrypt's own rules are applied on top:
  /// letters, digits, hyphens; no reserved labels, no single label, no address.
  public func aLabel(_ text: String) throws(NameFault) -> String {
    try Self.aLabel(text)
  }

  /// The registered domain (eTLD+1, private section included) that rate limits count a name under.
  ///
  /// A name that is itself a suffix is its own key. `nil`: under no public suffix, for libpsl's star rule for unknown top-level domains
  /// is left out; without that a typing error in the top-level domain would look like a domain.
  public func registeredDomain(of aLabel: String) -> String? {
    let name = aLabel.hasPrefix("*.") ? aLabel.dropFirst(2) : aLabel[...]
    var previous: Substring?
    var rest = name
    // From the longest candidate down: the first hit is the longest matching rule, which is the one that counts.
    while true {
      if isSuffix(String(rest)) { return String(previous ?? rest) }
      guard let dot = rest.utf8.firstIndex(of: Self.dot) else { return nil }
      previous = rest
      rest = rest[rest.index(after: dot)...]
    }
  }

  /// Whether the name itself is a suffix, under which others register: no public CA certifies it, nor a wildcard directly below it.
  public func isSuffix(_ aLabel: String) -> Bool {
    extraSuffixes.contains(aLabel) || suffixes.contains(aLabel)
  }

  static func aLabel(_ text: String) throws(NameFault) -> String {
    let isWildcard = text.hasPrefix("*.")
    let name = try asciiName(isWildcard ? String(text.dropFirst(2)) : text, singleLabelAllowed: false)
    let whole = isWildcard ? "*." + name : name
    guard whole.utf8.count <= 253 else { throw .nameTooLong(bytes: whole.utf8.count) }
    return whole
  }

  private static func asciiName(_ text: String, singleLabelAllowed: Bool) throws(NameFault) -> String {
    guard !text.isEmpty else { throw .empty }
    // A gigantic text is refused before it reaches quadratic code; 253 bytes of A-labels never need more than this.
    guard text.utf8.count <= 4_096 else { throw .nameTooLong(bytes: text.utf8.count) }
    // Found before the mapping to ASCII, which would call them merely disallowed.
    if let stray = text.utf8.first(where: { $0 <= 0x20 || $0 == 0x7f }) {
      throw .character(Character(Unicode.Scalar(stray)), label: text)
    }
    // Spaces that are no ASCII (U+00A0 out of a word processor, U+3000) would become " ", which nobody finds in the file.
    if let stray = text.unicodeScalars.first(where: { $0.value > 0x7f && isSpace($0) }) {
      throw .character(Character(stray), label: text)
    }
    guard !text.utf8.contains(UInt8(ascii: "*")) else { throw .wildcard }
    if text.utf8.contains(UInt8(ascii: ":")), isHexadecimalOrColon(text) { throw .ipAddress }

    var name = try InternationalName.toASCII(text)
    if name.utf8.last == dot { name.removeLast() }
    guard !name.isEmpty else { throw .emptyLabel }

    let labels = name.utf8.split(separator: dot, omittingEmptySubsequences: false).map { Substring($0) }
    for label in labels { try check(label) }
    guard let last = labels.last, !last.utf8.allSatisfy(isDigit) else { throw .ipAddress }
    guard name.utf8.count <= 253 else { throw .nameTooLong(bytes: name.utf8.count) }
    guard labels.count <= maximumLabels else { throw .tooManyLabels(labels.count) }
    guard singleLabelAllowed || labels.count > 1 else { throw .singleLabel }
    return name
  }

  private static func check(_ label: Substring) throws(NameFault) {
    guard !label.isEmpty else { throw .emptyLabel }
    // A byte is a character here: the mapping to ASCII is behind us.
    let bytes = label.utf8
    if let stray = bytes.first(where: { !isLetter($0) && !isDigit($0) && $0 != hyphen }) {
      throw .character(Character(Unicode.Scalar(stray)), label: String(label))
    }
    guard bytes.count <= 63 else { throw .labelTooLong(String(label)) }
    guard bytes.first != hyphen, bytes.last != hyphen else { throw .hyphenAtEdge(label: String(label)) }
    if bytes.dropFirst(2).prefix(2).elementsEqual([hyphen, hyphen]), !label.hasPrefix("xn--") {
      throw .reservedLabel(String(label))
    }
  }

  private static func isHexadecimalOrColon(_ text: String) -> Bool {
    let bare = text.hasPrefix("[") ? text.dropFirst().prefix { $0 != "]" } : text[...]
    return bare.count { $0 == ":" } > 1 && bare.allSatisfy { $0.isHexDigit || $0 == ":" || $0 == "." || $0 == "%" }
  }

  private static func isSpace(_ scalar: Unicode.Scalar) -> Bool {
    switch scalar.properties.generalCategory {
    case .spaceSeparator, .lineSeparator, .paragraphSeparator, .control: true
    default: false
    }
  }

  private static let hyphen = UInt8(ascii: "-")
  private static let dot = UInt8(ascii: ".")
  private static func isDigit(_ byte: UInt8) -> Bool { (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte) }
  private static func isLetter(_ byte: UInt8) -> Bool { (UInt8(ascii: "a")...UInt8(ascii: "z")).contains(byte) }
}
