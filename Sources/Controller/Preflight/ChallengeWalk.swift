import Appliance
import Fleet
import Foundation
import Net

/// Asks for a made-up token as the CA would ask, redirects included.
struct ChallengeWalk: Sendable {
  let http: HTTPClient
  let names: NameServers
  let book: AddressBook
  private let silent = SilentPlaces()

  init(http: HTTPClient, names: NameServers, book: AddressBook) {
    self.http = http
    self.names = names
    self.book = book
  }

  /// Asks at `address` first; a redirect to the same name stays there, one to another name goes where DNS says.
  func sight(_ name: String, token: String, at address: String, of pair: PairID) async -> ChallengeSight {
    var walk = RedirectWalk(name: name, token: token)
    var place = place(address, 80, pair)
    while true {
      if let refusal = book.refusal(of: place.host) {
        return walk.hops.count > 1 ? .strayed(refusal, hops: walk.hops) : .silent(refusal, hops: walk.hops)
      }
      if let reason = await silent.reason(at: place) { return .silent(reason, hops: walk.hops) }
      let response: HTTPResponse
      do {
        response = try await http.send(
          HTTPRequest(
            method: "GET", url: walk.hop.url, deadline: .seconds(10), connectDeadline: .seconds(5),
            connectTo: (place.host, place.port), trust: .unverified, bodyLimit: 8_192))
      } catch {
        return await failed(error, place, walk)
      }
      await silent.forget(place)
      guard RedirectWalk.isRedirect(response.status) else { return Self.answer(response, place, walk) }
      do throws(RedirectRefusal) {
        try walk.follow(response.header("Location"))
      } catch {
        return .strayed(error.text, hops: walk.hops)
      }
      let host = walk.hop.host
      guard let next = host == name ? address : await firstAddress(of: host) else {
        return .strayed("\(Printable.short(host)) has no address", hops: walk.hops)
      }
      place = self.place(next, walk.hop.port, pair)
    }
  }

  /// The address that the CA tries first: IPv6 before IPv4.
  private func firstAddress(of host: String) async -> String? {
    if host.contains(":") || host.split(separator: ".").allSatisfy({ UInt8($0) != nil }) { return host }
    return await names.addresses(of: host).lazy.compactMap(\.addresses.first).first
  }

  /// Where a port of an address is: a VIP's are the inventory's, everybody else's are 80 and 443.
  private func place(_ address: String, _ port: UInt16, _ pair: PairID) -> Place {
    guard let vip = book.vip(at: address, preferring: pair) else { return Place(host: address, port: port) }
    return Place(host: address, port: port == 443 ? vip.httpsPort : vip.httpPort)
  }

  private func failed(_ error: any Error, _ place: Place, _ walk: RedirectWalk) async -> ChallengeSight {
    guard let error = error as? NetError else { return .silent("\(error)", hops: walk.hops) }
    switch error.kind {
    case .connectionRefused: return .refused("nobody listens at \(place)", hops: walk.hops)
    case .tls: return .strayed("TLS with \(place) fails: \(Printable.short(error.detail))", hops: walk.hops)
    case .bodyTooLarge:
      return .answer(.init(status: 200, body: "more than 8 KiB", pair: nil, place: "\(place)", hops: walk.hops))
    case .timedOut, .unreachable:
      let reason = "\(place) does not answer"
      await silent.learn(reason, at: place)
      return .silent(reason, hops: walk.hops)
    case .nameNotFound, .connectionLost, .smtp, .badURL, .cancelled, .other:
      return .silent("\(place): \(Printable.short(error.detail))", hops: walk.hops)
    }
  }

  private static func answer(_ response: HTTPResponse, _ place: Place, _ walk: RedirectWalk) -> ChallengeSight {
    var body = String(decoding: response.body, as: UTF8.self)
    // Boulder's va/http.go cuts trailing white space off and nothing else.
    while let last = body.last, last.isWhitespace { body.removeLast() }
    return .answer(
      .init(
        status: response.status, body: body, pair: response.header(ChallengeRule.pairHeader), place: "\(place)",
        hops: walk.hops))
  }
}

/// An address and a port that are asked.
private struct Place: Sendable, Hashable, CustomStringConvertible {
  var host: String
  var port: UInt16
  var description: String { host.contains(":") ? "[\(host)]:\(port)" : "\(host):\(port)" }
}

/// Places that let names wait in vain, 5 s each: after three the other names of a VIP are not made to wait as well, but for one now and then.
private actor SilentPlaces {
  private static let most = 3
  private static let probeEach = 32
  private var silent: [Place: (count: Int, reason: String)] = [:]

  func reason(at place: Place) -> String? {
    guard let known = silent[place], known.count >= Self.most else { return nil }
    silent[place]?.count += 1
    return known.count % Self.probeEach == 0 ? nil : known.reason
  }

  func learn(_ reason: String, at place: Place) { silent[place] = ((silent[place]?.count ?? 0) + 1, reason) }

  func forget(_ place: Place) { silent[place] = nil }
}
