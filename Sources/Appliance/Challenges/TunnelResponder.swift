public import Fleet
public import SSH

/// Answers http-01 on channels that SSH forwards from a node's loopback. It never opens a port of the controller: what comes through the
/// tunnel meets this, and only this.
public struct TunnelResponder: Sendable {
  private let pair: PairID
  private let keyAuthorization: @Sendable (String) async -> String?

  /// `keyAuthorization` answers for the tokens of challenges that are open now, and for nothing else.
  public init(pair: PairID, keyAuthorization: @escaping @Sendable (String) async -> String?) {
    self.pair = pair
    self.keyAuthorization = keyAuthorization
  }

  /// How long one connection may take in all: a slow one must not hold a place of the few there are.
  public static let patience = Duration.seconds(5)

  /// Serves one connection: one request, one answer. `SSHConnection.withForward` bounds how many there are at once and closes each.
  public func serve(_ channel: SSHForwardedChannel) async {
    let end = ContinuousClock.now + Self.patience
    var request: [UInt8] = []
    do throws(SSHError) {
      while true {
        let left = ContinuousClock.now.duration(to: end)
        guard left > .zero else { return }
        let part = try await channel.read(within: left)
        request += part
        if let response = await answer(request, isEnd: part.isEmpty) {
          try await channel.write(response, within: .seconds(1))
          return
        }
      }
    } catch {
      // A peer that went away or was too slow gets no answer; what that means the CA says in its own words.
      return
    }
  }

  /// The response to what came so far, or nil to read on.
  func answer(_ request: [UInt8], isEnd: Bool) async -> [UInt8]? {
    // The lookup may suspend, so it stands between two readings: the first learns the token.
    var asked: String?
    let first = ChallengeAnswer.read(request, isEnd: isEnd, pair: pair) { token in
      asked = token
      return nil
    }
    guard case .answer(let refusal) = first else { return nil }
    guard let asked, let value = await keyAuthorization(asked) else { return refusal.response }
    let second = ChallengeAnswer.read(request, isEnd: isEnd, pair: pair) { $0 == asked ? value : nil }
    guard case .answer(let answer) = second else { return refusal.response }
    return answer.response
  }
}
