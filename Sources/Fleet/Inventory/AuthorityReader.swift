import Foundation

/// Reads `authorities:`.
struct AuthorityReader {
  let context: ReadingContext

  static let keys = [
    "id", "directory", "contact", "eab", "profile", "profiles", "limits", "overrides", "trust", "roots",
    "preferred_root",
    "key_passphrase", "key_passphrase_file", "key_passphrase_env",
  ]
  static let eabKeys = ["kid", "hmac", "hmac_file", "hmac_env"]

  func read(_ files: [Section]) -> [Authority] {
    var places: [String: SourceLocation] = [:]
    return files.flatMap { $0.list("authorities") ?? [] }.compactMap { item in
      let section = Section(
        item, context.title("authority", of: item, otherwise: "an authority"), keys: Self.keys, context)
      guard let id = section.identifier("id") else { return nil }
      context.claim(id, "authority", at: section.location(of: "id"), in: &places)
      let directory = directory(section)
      return Authority(
        id: AuthorityID(id), directory: directory ?? "",
        contact: section.texts("contact").compactMap { contact($0, directory: directory) },
        eab: externalAccountBinding(section), profile: profile(section, "profile"),
        profiles: section.texts("profiles").map(\.text), limits: limits(section, directory: directory),
        overrides: OverrideReader(context: context).read(section),
        trust: section.path("trust", reading: .certificates), roots: section.path("roots", reading: .certificates),
        preferredRoot: preferredRoot(section, directory: directory), keyPassphrase: section.secret("key_passphrase"))
    }
  }

  /// https://letsencrypt.org/certificates/: what its chains end under. It changes once in years, so another name is a warning only.
  private static let rootsOfLetsEncrypt = ["ISRG Root X1", "ISRG Root X2", "ISRG Root YE", "ISRG Root YR"]

  private func preferredRoot(_ section: Section, directory: String?) -> String? {
    guard let root = section.text("preferred_root") else { return nil }
    let known = Self.rootsOfLetsEncrypt
    if directory?.hasPrefix("https://acme-v02.api.letsencrypt.org/") == true, !known.contains(root) {
      context.faults.warning(
        at: section.location(of: "preferred_root"),
        "Let's Encrypt is not known to have a root “\(Printable.short(root))”",
        remedy: Spelling.question(for: root, among: known) ?? "known: \(known.joined(separator: ", "))")
    }
    return root
  }

  private func profile(_ section: Section, _ key: String) -> String? {
    section.text(key).flatMap { context.identifier($0, at: section.location(of: key)) }
  }

  private func directory(_ section: Section) -> String? {
    guard
      let text = section.text(
        "directory", orMissing: "write `directory: https://acme-v02.api.letsencrypt.org/directory`")
    else { return nil }
    let location = section.location(of: "directory")
    guard let url = URL(string: text), let host = url.host, !host.isEmpty, url.scheme?.lowercased() == "https" else {
      // RFC 8555 §6.1: "ACME servers MUST [use] HTTPS".
      context.faults.error(
        at: location, "“directory” of \(section.title) is no https URL",
        remedy: "ACME is spoken over https only: https://…")
      return nil
    }
    if let port = url.port, !(1...65_535).contains(port) {
      context.faults.error(
        at: location, "“directory” of \(section.title) has the port \(port)", remedy: "ports go from 1 to 65535")
      return nil
    }
    if url.user != nil || url.password != nil {
      context.faults.error(
        at: location, "“directory” of \(section.title) has a login in it",
        remedy: "ACME needs none; for an account key of the CA use `eab:`")
    }
    return text
  }

  private func contact(_ item: (text: String, location: SourceLocation), directory: String?) -> String? {
    if item.text.hasPrefix("mailto:") {
      guard let mailbox = context.mailbox(String(item.text.dropFirst("mailto:".count)), at: item.location) else {
        return nil
      }
      refuseReserved(mailbox, at: item.location, directory)
      return "mailto:" + mailbox
    }
    // RFC 8555 §7.1.2: contacts are URLs; CAs take mailto, some tel.
    if item.text.hasPrefix("tel:") { return item.text }
    context.faults.error(
      at: item.location, "“\(Printable.short(item.text, 64))” is no contact URL",
      remedy: "write it as mailto:ops@example.com")
    return nil
  }

  /// Domains that stand for nobody (RFC 2606). Let's Encrypt refuses them, and with them the account.
  private func refuseReserved(_ mailbox: String, at location: SourceLocation, _ directory: String?) {
    let domain = mailbox.split(separator: "@").last.map { $0.lowercased() } ?? ""
    let isReserved =
      ["example.com", "example.net", "example.org"].contains { domain == $0 || domain.hasSuffix("." + $0) }
      || ["example", "invalid", "test", "localhost"].contains(domain.split(separator: ".").last.map(String.init) ?? "")
    guard isReserved, Self.limits(ofDirectory: directory) != .none else { return }
    context.faults.error(
      at: location, "the CA refuses contacts at “\(Printable.short(domain, 64))”, and the account with them",
      remedy: "write an address that somebody reads, or leave `contact:` out")
  }

  private func externalAccountBinding(_ section: Section) -> Authority.ExternalAccountBinding? {
    guard let eab = section.section("eab", keys: Self.eabKeys) else { return nil }
    let keyID = eab.text("kid", orMissing: "write the key identifier that the CA gave you")
    let key = eab.secret("hmac")
    if key == nil, ["hmac", "hmac_file", "hmac_env"].allSatisfy({ eab.entry($0) == nil }) {
      eab.missing("hmac_file", remedy: "write the CA's HMAC key into a file of mode 0600 and name it here")
    }
    guard let keyID, let key else { return nil }
    return Authority.ExternalAccountBinding(keyID: keyID, macKey: key)
  }

  private func limits(_ section: Section, directory: String?) -> Authority.LimitSet {
    switch section.text("limits") {
    case nil: Self.limits(ofDirectory: directory)
    case "letsencrypt": .letsEncrypt
    case "letsencrypt-staging": .letsEncryptStaging
    case "none": .none
    case .some(let text): file(text, at: section.location(of: "limits"))
    }
  }

  private func file(_ text: String, at location: SourceLocation) -> Authority.LimitSet {
    let words = ["letsencrypt", "letsencrypt-staging", "none"]
    // A word without a slash or a dot is a mistyped name of a set rather than a file.
    if !text.contains("/"), !text.contains(".") {
      context.faults.error(
        at: location, "“\(Printable.short(text, 40))” is no set of limits",
        remedy: Spelling.question(for: text, among: words)
          ?? "write letsencrypt, letsencrypt-staging, none, or a file as ./limits.json")
      return .none
    }
    return .file(context.path(text, at: location, .limits))
  }

  /// Let's Encrypt's two endpoints bring their limits with them; other CAs publish none that we could know.
  static func limits(ofDirectory directory: String?) -> Authority.LimitSet {
    switch directory.flatMap({ URL(string: $0) })?.host?.lowercased() {
    case "acme-v02.api.letsencrypt.org": .letsEncrypt
    case "acme-staging-v02.api.letsencrypt.org": .letsEncryptStaging
    default: .none
    }
  }
}
