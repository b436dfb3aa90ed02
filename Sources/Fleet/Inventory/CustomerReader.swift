/// Reads `customers:`.
struct CustomerReader {
  let context: ReadingContext

  static let keys = ["id", "name", "mail", "weight", "shared"]

  func read(_ files: [Section]) -> [Customer] {
    var places: [String: SourceLocation] = [:]
    var customers: [Customer] = []
    for item in files.flatMap({ $0.list("customers") ?? [] }) {
      let section = Section(
        item, context.title("customer", of: item, otherwise: "a customer"), keys: Self.keys, context)
      guard let id = section.identifier("id") else { continue }
      context.claim(id, "customer", at: section.location(of: "id"), in: &places)
      customers.append(
        Customer(
          id: CustomerID(id), name: section.text("name") ?? id, mail: context.mailboxes(section, "mail"),
          weight: section.integer("weight", in: 1...1_000) ?? 1, sharesNames: section.flag("shared") ?? false))
    }
    return customers
  }
}

extension ReadingContext {
  /// Notes an id; a second claim is a fault that says where the first stands.
  func claim(_ id: String, _ kind: String, at location: SourceLocation, in places: inout [String: SourceLocation]) {
    if let first = places[id] {
      // An alias stands where its anchor stands.
      let message =
        first == location
        ? "\(kind) “\(id)” comes again through an alias" : "\(kind) “\(id)” stands here again; the first is at \(first)"
      faults.error(at: location, message, remedy: "give each its own id")
    } else {
      places[id] = location
    }
  }

  /// Mail addresses, bare: they go into envelopes and headers.
  func mailboxes(_ section: Section, _ key: String) -> [String] {
    section.texts(key).compactMap { mailbox($0.text, at: $0.location) }
  }

  /// One mail address, or a fault.
  func mailbox(_ text: String, at location: SourceLocation) -> String? {
    let parts = text.split(separator: "@", omittingEmptySubsequences: false)
    let isPlain = text.unicodeScalars.allSatisfy {
      $0.value > 0x20 && $0.value != 0x7f && !"<>\",;:()[]\\".unicodeScalars.contains($0)
    }
    if parts.count == 2, isPlain, !parts[0].isEmpty, !parts[1].isEmpty, text.utf8.count <= 254 { return text }
    faults.error(
      at: location, "“\(Printable.short(text, 64))” is no mail address",
      remedy: "write the bare address: ops@example.com")
    return nil
  }
}
