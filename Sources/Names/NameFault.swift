/// Why a text is not a name that a public CA would certify, or why the suffix list cannot be used.
///
/// `text` says what is wrong, `remedy` what to do about it; neither repeats untrusted text beyond the short part at fault.
public enum NameFault: Error, Sendable, Hashable {
  /// Nothing was given.
  case empty
  /// An IPv4 or IPv6 address where a name was expected.
  case ipAddress
  /// A name of one label, such as `localhost`.
  case singleLabel
  /// Two dots in a row, or a dot at the start.
  case emptyLabel
  /// A label of more than 63 bytes; its A-label form is what counts (RFC 1035 section 2.3.4).
  case labelTooLong(String)
  /// More than 253 bytes in A-label form.
  case nameTooLong(bytes: Int)
  /// More labels than public CAs accept.
  case tooManyLabels(Int)
  /// A character outside letters, digits and hyphen.
  case character(Character, label: String)
  /// A label that starts or ends with a hyphen.
  case hyphenAtEdge(label: String)
  /// Hyphens in the third and fourth place of a label that is no A-label (RFC 5890 section 2.3.1).
  case reservedLabel(String)
  /// An `xn--` label, or a Unicode label, that IDNA does not allow. The reason is libidn2's.
  case notIDNA(reason: String)
  /// A `*` anywhere but alone in the first place.
  case wildcard
  /// The public suffix list could not be read.
  case listUnreadable(path: String)
  /// An entry of `extra_suffixes` that is no suffix.
  case badSuffix(String)

  /// What is wrong, in a few words.
  public var text: String {
    switch self {
    case .empty: "no name was given"
    case .ipAddress: "this is an IP address, not a name"
    case .singleLabel: "a name needs at least two labels"
    case .emptyLabel: "a label is empty (two dots in a row, or a dot at the start)"
    case .labelTooLong(let label): "the label “\(label.prefix(20))…” has \(label.utf8.count) bytes; 63 are allowed"
    case .nameTooLong(let bytes): "the name has \(bytes) bytes; 253 are allowed"
    case .tooManyLabels(let count): "the name has \(count) labels; \(DomainNameRules.maximumLabels) are allowed"
    case .character(let character, let label):
      "the character \(Self.shown(character)) in “\(Self.shown(label))” is not allowed in a host name"
    case .hyphenAtEdge(let label): "the label “\(Self.shown(label))” starts or ends with a hyphen"
    case .reservedLabel(let label): "the label “\(Self.shown(label))” is reserved (hyphens in third and fourth place)"
    case .notIDNA(let reason): "this is no valid international name: \(reason)"
    case .wildcard: "a wildcard is “*.” before a whole name, and stands nowhere else"
    case .listUnreadable(let path): "the public suffix list \(path) cannot be read"
    case .badSuffix(let suffix): "“\(Self.shown(suffix))” is no domain suffix"
    }
  }

  /// What to do about it.
  public var remedy: String {
    switch self {
    case .empty: "write the domain name"
    case .ipAddress: "write the name that points to this address"
    case .singleLabel: "write the full name, such as www.example.com"
    case .emptyLabel: "remove the surplus dot"
    case .labelTooLong, .nameTooLong, .tooManyLabels: "certify a shorter name"
    case .character(let character, _):
      switch character {
      case "_": "an underscore is allowed in DNS but not in a certificate; certify another name"
      case ":", "/": "write the name alone, without scheme, port or path"
      case let space where space.isWhitespace: "remove the white space; one name a field"
      case "@": "write the domain, not a mail address"
      default: "use letters, digits and hyphens; international names may be written as they are spoken"
      }
    case .hyphenAtEdge: "remove the hyphen"
    case .reservedLabel: "check the spelling; only labels that start with “xn--” may have it"
    case .notIDNA: "check the spelling, or write the name in its “xn--” form as it is registered"
    case .wildcard: "write the names one by one; http-01 cannot prove a wildcard"
    case .listUnreadable: "install the package publicsuffix, or correct the path in the inventory"
    case .badSuffix: "write it as “corp.example” or “lan”"
    }
  }

  /// Control characters and invisible ones are shown by number: the text goes to terminals and mails.
  private static func shown(_ character: Character) -> String {
    let visible = character.unicodeScalars.allSatisfy { scalar in
      switch scalar.properties.generalCategory {
      case .control, .format, .surrogate, .privateUse, .unassigned: false
      case .lineSeparator, .paragraphSeparator, .spaceSeparator: false
      default: true
      }
    }
    if visible { return "“\(character)”" }
    return character.unicodeScalars.map { "U+" + hexadecimal($0.value) }.joined(separator: " ")
  }

  private static func shown(_ label: String) -> String {
    String(
      label.prefix(63).map { character in
        let text = shown(character)
        return text.hasPrefix("U+") ? "<\(text)>" : String(character)
      }.joined())
  }

  private static func hexadecimal(_ value: UInt32) -> String {
    let digits = String(value, radix: 16, uppercase: true)
    return String(repeating: "0", count: max(0, 4 - digits.count)) + digits
  }
}
