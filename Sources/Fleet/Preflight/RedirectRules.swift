import Foundation

/// One request on the way to a challenge: where it is sent.
public struct ChallengeHop: Sendable, Hashable {
  /// `http` or `https`.
  public var scheme: String
  /// The host as DNS is asked for it, or an address.
  public var host: String
  /// 80 or 443.
  public var port: UInt16
  /// Path and query.
  public var path: String

  /// Where every challenge begins (RFC 8555 §8.3): port 80 of the name itself.
  public init(name: String, token: String) {
    scheme = "http"
    host = name
    port = 80
    path = "/.well-known/acme-challenge/" + token
  }

  private init(scheme: String, host: String, port: UInt16, path: String) {
    self.scheme = scheme
    self.host = host
    self.port = port
    self.path = path
  }

  /// The whole URL; the port only where it is not the scheme's own.
  public var url: String {
    let usual: UInt16 = scheme == "https" ? 443 : 80
    let shown = host.contains(":") ? "[\(host)]" : host
    return "\(scheme)://\(shown)\(port == usual ? "" : ":\(port)")\(path)"
  }

  /// What a `Location` leads to from here; or in words why the CA does not go there.
  func following(_ location: String) -> Result<ChallengeHop, RedirectRefusal> {
    guard location.utf8.count <= 2_000, !location.utf8.contains(where: { $0 < 0x20 || $0 == 0x7f }),
      let target = URL(string: location, relativeTo: URL(string: url))?.absoluteURL,
      let scheme = target.scheme?.lowercased(), let host = target.host()?.lowercased(), !host.isEmpty
    else { return .failure(RedirectRefusal("the redirect leads nowhere: \(Printable.short(location))")) }
    guard scheme == "http" || scheme == "https" else {
      return .failure(RedirectRefusal("the redirect leads to \(scheme):, which the CA does not follow"))
    }
    guard target.user == nil, target.password == nil else {
      return .failure(RedirectRefusal("the redirect holds a login, which the CA does not follow"))
    }
    let port = target.port ?? (scheme == "https" ? 443 : 80)
    guard port == 80 || port == 443 else {
      return .failure(RedirectRefusal("the redirect leads to port \(port); the CA goes to ports 80 and 443 only"))
    }
    let bare = host.trimmingCharacters(in: CharacterSet(charactersIn: "[]"))
    if let reason = Self.unreachable(bare) {
      return .failure(RedirectRefusal("the redirect leads to \(Printable.short(bare)), \(reason)"))
    }
    let path = target.path(percentEncoded: true)
    let query = target.query(percentEncoded: true).map { "?" + $0 } ?? ""
    return .success(
      ChallengeHop(scheme: scheme, host: bare, port: UInt16(port), path: (path.isEmpty ? "/" : path) + query))
  }

  /// Hosts that no public CA can ask.
  private static func unreachable(_ host: String) -> String? {
    if NetworkAddress.canonical(host) != nil {
      return AddressRange.isPublic(host) ? nil : "a private or reserved address"
    }
    let last = host.split(separator: ".").last.map(String.init) ?? ""
    return !host.contains(".") || ["local", "internal", "lan", "localdomain", "corp", "home"].contains(last)
      ? "which is no public name" : nil
  }
}

/// Why the CA would not follow a redirect.
public struct RedirectRefusal: Error, Sendable, Equatable {
  /// In words.
  public var text: String

  init(_ text: String) { self.text = text }
}

/// Where a challenge leads, as Let's Encrypt's VA follows it: at most ten redirects, 301, 302, 307 and 308 only, ports 80 and 443 only.
public struct RedirectWalk: Sendable, Equatable {
  /// Where to ask next.
  public private(set) var hop: ChallengeHop
  /// Every hop so far, the present one included.
  public private(set) var hops: [ChallengeHop]

  /// Boulder's va/http.go: `maxRedirect`.
  public static let mostRedirects = 10

  /// Begins at port 80 of the name.
  public init(name: String, token: String) {
    hop = ChallengeHop(name: name, token: token)
    hops = [hop]
  }

  /// Whether an answer asks to look elsewhere.
  public static func isRedirect(_ status: Int) -> Bool { [301, 302, 307, 308].contains(status) }

  /// Goes where an answer says.
  public mutating func follow(_ location: String?) throws(RedirectRefusal) {
    guard let location else { throw RedirectRefusal("a redirect without a Location") }
    let next = try hop.following(location).get()
    guard !hops.contains(next) else {
      throw RedirectRefusal("a redirect loop: \(Printable.short(next.url)) leads back to itself")
    }
    guard hops.count <= Self.mostRedirects else {
      throw RedirectRefusal("more than \(Self.mostRedirects) redirects")
    }
    hop = next
    hops.append(next)
  }
}
