import Fleet
import Foundation
import Glibc
import Names
import Net

/// The public suffix list that certfleet fetches itself and keeps in the state directory: a distribution's is as old as the distribution, and
/// under an old list names are counted under the wrong registered domain.
struct SuffixKeeper: Sendable {
  /// Which list is used.
  struct Chosen: Sendable {
    var rules: DomainNameRules
    /// Whether it is the one in the state directory.
    var isKept: Bool
  }

  /// Why there is no newer list; the work goes on with the newest that is there.
  struct Fault: Error, Sendable {
    var reason: String
  }

  /// The list changes several times a week; names that we certify seldom live under what is new. The list's maintainers ask for no more than one
  /// download a day.
  static let interval: TimeInterval = 7 * 86_400
  /// After a failure: a site without a way out must not wait every time.
  static let pause: TimeInterval = 86_400
  /// Of 2023: 240 KB, 9,300 rules. A list of less is a list that was cut.
  static let maximumBytes = 4 << 20
  static let minimumRules = 5_000

  let inventory: Inventory

  /// The list's place.
  var path: String { inventory.state + "/suffixes.dat" }
  /// Its date of change is when a list was last asked for, successfully or not.
  private var triedPath: String { inventory.state + "/suffixes.tried" }

  /// The list that the inventory names; else the newer one of ours and the system's.
  func choose() throws(NameFault) -> Chosen {
    let extra = inventory.extraSuffixes
    if let named = inventory.publicSuffixList {
      return Chosen(rules: try DomainNameRules(listPath: named, extraSuffixes: extra), isKept: false)
    }
    guard inventory.suffixes != .system, PrivateFile.exists(path), let kept = readable(path) else {
      return Chosen(rules: try DomainNameRules(listPath: nil, extraSuffixes: extra), isKept: false)
    }
    do throws(NameFault) {
      let system = try DomainNameRules(listPath: nil, extraSuffixes: extra)
      if let other = system.listAge, let ours = kept.listAge, other.modified > ours.modified {
        return Chosen(rules: system, isKept: false)
      }
    } catch .listUnreadable {
      // No list of the system: ours is the newest.
      return Chosen(rules: kept, isKept: true)
    }
    return Chosen(rules: kept, isKept: true)
  }

  /// A kept list that was damaged since is as good as none.
  private func readable(_ path: String) -> DomainNameRules? {
    do throws(NameFault) {
      return try DomainNameRules(listPath: path, extraSuffixes: inventory.extraSuffixes)
    } catch {
      return nil
    }
  }

  /// When it was last asked for.
  var lastTried: Date? { Self.modified(triedPath) }
  /// When the kept one was fetched.
  var fetchedAt: Date? { Self.modified(path) }

  /// Whether a nightly run should ask for a newer one.
  func isDue(at now: Date) -> Bool {
    guard inventory.publicSuffixList == nil, inventory.suffixes != .system else { return false }
    if let fetched = fetchedAt, now.timeIntervalSince(fetched) < Self.interval, now >= fetched { return false }
    guard let tried = lastTried else { return true }
    return now.timeIntervalSince(tried) >= Self.pause || now < tried
  }

  /// Fetches the list, checks it, and puts it in the place of the one that is kept.
  func update(over http: HTTPClient, at now: Date) async throws(Fault) -> DomainNameRules {
    guard case .fetched(let url, let trust) = inventory.suffixes else {
      throw Fault(reason: "the inventory says `suffixes: system`, so that nothing is fetched")
    }
    do throws(PrivateFile.Fault) {
      try PrivateFile.write([], to: triedPath)
    } catch {
      throw Fault(reason: "\(error.path) cannot be written: \(error.reason)")
    }
    let body = try await fetch(url, trust, http)
    let draft = path + ".new"
    do throws(PrivateFile.Fault) {
      try PrivateFile.write(body, to: draft)
    } catch {
      throw Fault(reason: "\(error.path) cannot be written: \(error.reason)")
    }
    defer { unlink(draft) }
    let rules = try check(draft, body, at: now)
    guard rename(draft, path) == 0 else { throw Fault(reason: "\(path): \(String(cString: strerror(errno)))") }
    return rules
  }

  private func fetch(_ url: String, _ trust: String?, _ http: HTTPClient) async throws(Fault) -> [UInt8] {
    let response: HTTPResponse
    do throws(NetError) {
      response = try await http.send(
        HTTPRequest(
          url: url, deadline: .seconds(30), connectDeadline: .seconds(10), trust: trust.map { .bundle($0) } ?? .system,
          followRedirects: 3, bodyLimit: Self.maximumBytes, userAgent: "certfleet/\(Libraries.own)"))
    } catch {
      throw Fault(reason: "\(url) could not be fetched: \(Printable.terminal(error.detail))")
    }
    guard response.redirects.isEmpty || response.effectiveURL.lowercased().hasPrefix("https://") else {
      throw Fault(reason: "\(url) leads away from https, to \(Printable.terminal(response.effectiveURL))")
    }
    guard response.status == 200 else { throw Fault(reason: "\(url) answered with status \(response.status)") }
    return response.body
  }

  /// A page of a captive portal, a list that was cut, one that is older than ours: none of these replaces what is there.
  private func check(_ draft: String, _ body: [UInt8], at now: Date) throws(Fault) -> DomainNameRules {
    func refused(_ reason: String) -> Fault { Fault(reason: "what was fetched is not kept: \(reason)") }
    guard let text = String(validating: body, as: UTF8.self) else { throw refused("it is no UTF-8 text") }
    for mark in [
      "===BEGIN ICANN DOMAINS===", "===END ICANN DOMAINS===", "===BEGIN PRIVATE DOMAINS===",
      "===END PRIVATE DOMAINS===",
    ]
    where !text.contains(mark) {
      throw refused("it is no public suffix list, or not whole: “\(mark)” is missing")
    }
    guard let rules = readable(draft), let count = rules.ruleCount, count >= Self.minimumRules else {
      throw refused("it has less than \(Wording.grouped(Self.minimumRules)) rules")
    }
    // Names that have been suffixes for decades, of either part.
    for suffix in ["com", "org", "de", "co.uk", "com.br", "github.io"] where !rules.isSuffix(suffix) {
      throw refused("“\(suffix)” is no suffix in it")
    }
    for name in ["example.com", "example.org"] where rules.isSuffix(name) {
      throw refused("“\(name)” is a suffix in it")
    }
    if let new = rules.listAge?.modified, let old = readable(path)?.listAge?.modified, new < old {
      throw refused("it is older than the one that is there")
    }
    return rules
  }

  private static func modified(_ path: String) -> Date? {
    var status = stat()
    guard stat(path, &status) == 0 else { return nil }
    return Date(timeIntervalSince1970: TimeInterval(status.st_mtim.tv_sec))
  }
}
