public import Fleet

/// The lines that an operator pastes into HAProxy's configuration once, so that http-01 is answered for ever.
///
/// RFC 8555 §8.3 asks for nothing but `token.thumbprint`: one static rule answers every challenge of one account key on both nodes, and a
/// fail-over in mid-validation does no harm. The rule answers only for names that we asked certificates for (a file of hosts) and for tokens
/// of the ACME alphabet: without that, anybody could have this load balancer confirm any name's challenges for our account, and reflect text.
public enum ChallengeRule {

  /// The header by which the preflight knows which pair answered.
  public static let pairHeader = "X-Certfleet-Pair"

  /// What to paste into the frontend on port 80, as its first lines.
  ///
  /// Nil when a value could not stand in a configuration: a thumbprint is base64url of SHA-256, a pair's id and the path hold no space or quote.
  public static func haproxyLines(
    pair: PairID, thumbprint: String, hostsFile: String = ChallengeMethod.usualHostsFile
  ) -> String? {
    guard isBase64URL(thumbprint), thumbprint.utf8.count == 43, let pair = HAProxyWord(pair.rawValue),
      let file = HAProxyWord(hostsFile), !(pair.text + file.text).contains(where: { "%#$[]".contains($0) })
    else { return nil }
    // A token has at least 128 bits of entropy (RFC 8555 §8), which is 22 characters; 16 leaves room for a preflight's own.
    return #"""
          # certfleet, pair \#(pair.text): answers http-01 for the names in \#(file.text)
          # The file must be there before HAProxy reads this, if only empty (touch); certfleet fills it.
          # These lines come before every redirect, http-request and use_backend of the frontend on port 80.
          acl certfleet_path path_reg ^/\.well-known/acme-challenge/[A-Za-z0-9_-]{16,128}$
          acl certfleet_host req.hdr(host),field(1,:) -i -f \#(file.text)
          http-request return status 200 content-type text/plain hdr \#(pairHeader) \#(pair.text) lf-string "%[path,field(-1,/)].\#(thumbprint)" if certfleet_path certfleet_host

      """#
  }

  /// For HAProxy before 2.2, which cannot answer by itself: a backend to the tunnel's end on the node.
  public static func tunnelLines(port: UInt16) -> String {
    """
        # certfleet: in the frontend on port 80, before every redirect and other use_backend
        acl certfleet_path path_beg /.well-known/acme-challenge/
        use_backend letsencrypt if certfleet_path

    # certfleet: a section of its own; without `check` the server always counts as up
    backend letsencrypt
        mode http
        server letsencrypt 127.0.0.1:\(port)

    """
  }

  /// The lines for a node's own challenge method and version (nil: not known), or why its version does not allow the method.
  public static func lines(
    for node: Node, haproxy: SoftwareVersion?, pair: PairID, thumbprint: String
  ) -> Result<String, Lack> {
    switch node.challenge {
    case .tunnel(let port): return .success(tunnelLines(port: port))
    case .thumbprint(let hostsFile, _):
      // `http-request return` with `lf-string` came with 2.2.0.
      if let haproxy, haproxy < SoftwareVersion(2, 2) {
        return .failure(
          Lack(
            what: "HAProxy \(haproxy) cannot answer a challenge by itself (2.2 can)",
            remedy: "set `challenge: tunnel` for this node", isFatal: true))
      }
      guard let lines = haproxyLines(pair: pair, thumbprint: thumbprint, hostsFile: hostsFile) else {
        return .failure(
          Lack(what: "the rule cannot be written for \(pair)", remedy: "use plain ids and paths", isFatal: true))
      }
      return .success(lines)
    }
  }

  static func isBase64URL(_ text: some StringProtocol) -> Bool {
    !text.isEmpty
      && text.utf8.allSatisfy { byte in
        switch UnicodeScalar(byte) {
        case "A"..."Z", "a"..."z", "0"..."9", "-", "_": true
        default: false
        }
      }
  }
}

extension Lack: Error {}
