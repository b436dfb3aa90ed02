import Foundation
public import Net
import PKI

/// How a request reaches a CA: `HTTPClient`, or a scripted peer.
public typealias HTTPTransport = @Sendable (HTTPRequest) async throws(NetError) -> HTTPResponse

/// A CA without an account: its directory, its nonces, and the one way to send it a signed request.
public struct ACMEServer: Sendable {
  /// What it offers and where.
  public let directory: Directory

  let gate: PhaseGate?

  private let link: Link
  private let nonces = NoncePool()

  /// What every request has in common.
  public struct Link: Sendable {
    let transport: HTTPTransport
    let trust: Trust
    let userAgent: String
    let deadline: Duration

    /// - Parameters:
    ///   - userAgent: Name and version (RFC 8555 section 6.1 demands one).
    ///   - deadline: For each exchange. A client MUST have one: Pebble can hang for ever.
    public init(
      transport: @escaping HTTPTransport, trust: Trust = .system, userAgent: String, deadline: Duration = .seconds(30)
    ) {
      self.transport = transport
      self.trust = trust
      self.userAgent = userAgent
      self.deadline = deadline
    }

    /// Over libcurl.
    public init(http: HTTPClient, trust: Trust = .system, userAgent: String, deadline: Duration = .seconds(30)) {
      self.init(
        transport: { (request) async throws(NetError) -> HTTPResponse in try await http.send(request) },
        trust: trust, userAgent: userAgent, deadline: deadline)
    }
  }

  /// At half of all requests refused, as Pebble can be told to, one in sixteen million requests fails.
  static let nonceAttempts = 24

  /// Reads the directory.
  public static func connect(to directoryURL: String, over link: Link) async throws(ACMEError) -> ACMEServer {
    let response = try await link.get(directoryURL)
    let wire = try ACMEAnswer.decode(Directory.Wire.self, response, url: directoryURL)
    return ACMEServer(directory: try Directory(wire, url: directoryURL), link: link)
  }

  private init(directory: Directory, link: Link) {
    self.directory = directory
    self.link = link
    gate = PhaseGate(for: directory)
  }

  /// Sends a signed request, again with a fresh nonce as long as the CA wants that.
  ///
  /// - Parameter payload: `nil` for a POST-as-GET.
  func post(
    _ payload: [UInt8]?, to url: String, key: SigningKey, reference: JWS.KeyReference
  ) async throws(ACMEError) -> HTTPResponse {
    let start = ContinuousClock.now
    var nonce = try await takeNonce()
    var attempt = 1
    while true {
      let response = try await sendOnce(payload, to: url, nonce: nonce, key: key, reference: reference)
      let fresh = NoncePool.checked(response.header("Replay-Nonce"))
      guard let error = ACMEAnswer.error(response, url: url) else {
        await nonces.put(fresh, at: .now)
        return response
      }
      guard case .problem(let problem, _) = error.kind, problem.type == .badNonce, attempt < Self.nonceAttempts,
        ContinuousClock.now - start < link.deadline
      else {
        await nonces.put(fresh, at: .now)
        throw error
      }
      attempt += 1
      // RFC 8555 section 6.5: the answer that refuses a nonce brings the one to use instead.
      if let fresh { nonce = fresh } else { nonce = try await takeNonce() }
    }
  }

  /// An unsigned request: the directory, renewal information.
  func get(_ url: String) async throws(ACMEError) -> HTTPResponse { try await link.get(url) }

  private func sendOnce(
    _ payload: [UInt8]?, to url: String, nonce: String, key: SigningKey, reference: JWS.KeyReference
  ) async throws(ACMEError) -> HTTPResponse {
    let body: [UInt8]
    do throws(PKIError) {
      body = try JWS.sign(payload: payload, url: url, nonce: nonce, key: key, reference: reference)
    } catch {
      throw ACMEError(.signing(error), url: url)
    }
    // The media type must be exactly this (RFC 8555 section 6.2).
    return try await link.send(
      "POST", url, headers: [(name: "Content-Type", value: "application/jose+json")], body: body)
  }

  private func takeNonce() async throws(ACMEError) -> String {
    if let nonce = await nonces.take(at: .now) { return nonce }
    let response = try await link.send("HEAD", directory.newNonce)
    if let error = ACMEAnswer.error(response, url: directory.newNonce) { throw error }
    guard let nonce = NoncePool.checked(response.header("Replay-Nonce")) else {
      throw ACMEError(.malformed("newNonce gave no nonce"), url: directory.newNonce)
    }
    return nonce
  }
}

extension ACMEServer.Link {
  /// Orders of a hundred names have some 20 KB, chains less; what is larger is no ACME.
  private static let bodyLimit = 512 << 10

  func send(
    _ method: String, _ url: String, headers: [(name: String, value: String)] = [], body: [UInt8]? = nil
  ) async throws(ACMEError) -> HTTPResponse {
    let request = HTTPRequest(
      method: method, url: url, headers: headers, body: body, deadline: deadline, trust: trust,
      bodyLimit: Self.bodyLimit, userAgent: userAgent)
    do throws(NetError) {
      return try await transport(request)
    } catch {
      throw ACMEError(.transport(error), url: url)
    }
  }

  func get(_ url: String) async throws(ACMEError) -> HTTPResponse {
    let response = try await send("GET", url)
    if let error = ACMEAnswer.error(response, url: url) { throw error }
    return response
  }
}
