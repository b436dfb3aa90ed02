/// A problem document (RFC 7807) as ACME uses it (RFC 8555 section 6.7). All its text is the CA's and quotes strangers: hostile.
public struct Problem: Sendable, Hashable {
  /// What kind of problem.
  public let type: ProblemType
  /// The CA's words, cut at `maximumDetail` Unicode scalars.
  public let detail: String
  /// The HTTP status that the document itself names.
  public let status: Int?
  /// A URL for this occurrence: where to go for `userActionRequired`.
  public let instance: String?
  /// Which identifier this is about, in a subproblem.
  public let identifier: Identifier?
  /// One for each identifier that failed (RFC 8555 section 6.7.1).
  public let subproblems: [Problem]

  /// A CA quotes up to a page of the customer's web server; a journal row needs less.
  public static let maximumDetail = 2_000

  /// Makes one; `detail` is cut.
  public init(
    type: ProblemType, detail: String = "", status: Int? = nil, instance: String? = nil, identifier: Identifier? = nil,
    subproblems: [Problem] = []
  ) {
    self.type = type
    // By scalars: a single "character" may be a letter with a megabyte of accents.
    self.detail = String(String.UnicodeScalarView(detail.unicodeScalars.prefix(Self.maximumDetail)))
    self.status = status
    self.instance = instance
    self.identifier = identifier
    self.subproblems = subproblems
  }

  /// The problem of one identifier: its subproblem, or the whole when the CA names none. A wildcard's subproblem may name the base name.
  public func concerning(_ name: String) -> Problem? {
    if subproblems.isEmpty { return identifier == nil || identifier?.value == name ? self : nil }
    let base = name.hasPrefix("*.") ? String(name.dropFirst(2)) : name
    return subproblems.first { $0.identifier?.value == name } ?? subproblems.first { $0.identifier?.value == base }
  }
}

extension Problem: Decodable {
  private enum Key: String, CodingKey { case type, detail, status, instance, identifier, subproblems }

  /// Reads what is there: a problem with a strange field is still a problem.
  public init(from decoder: any Decoder) throws {
    let fields = try decoder.container(keyedBy: Key.self)
    self.init(
      // RFC 7807 section 3.1: an absent type means about:blank.
      type: ProblemType(rawValue: fields.leniently(String.self, .type) ?? "about:blank"),
      detail: fields.leniently(String.self, .detail) ?? "",
      status: fields.leniently(Int.self, .status),
      instance: fields.leniently(String.self, .instance),
      identifier: fields.leniently(Identifier.self, .identifier),
      subproblems: fields.leniently([Lenient<Problem>].self, .subproblems)?.compactMap(\.value) ?? [])
  }
}
