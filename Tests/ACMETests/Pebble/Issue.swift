import ACME
import Foundation
import PKI

/// The flow of an order, in the order that `Order.next` gives: what the controller does with journal and nodes, in forty lines.
struct Issue {
  struct Refused: Error {
    let problem: Problem?
    let authorizations: [Authorization]
  }

  let ca: any CertificateAuthority
  /// Puts the proof in place.
  let present: (Authorization) async throws -> Challenge?
  var preferredRoot: String?

  func run(_ names: [String], key: SigningKey) async throws -> (chain: [String], order: Order) {
    var order = try await ca.newOrder(names, profile: nil, replaces: nil)
    var schedule = PollSchedule(total: .seconds(60))
    var start = ContinuousClock.now
    var progress = Order.Progress.ordered
    while true {
      switch order.next(after: progress) {
      case .authorize:
        for url in order.authorizations {
          let authorization = try await ca.authorization(at: url)
          guard authorization.status == .pending, let challenge = try await present(authorization) else { continue }
          _ = try await ca.respond(to: challenge)
        }
        progress = .answered
      case .finalize:
        let request = try CertificateRequest.make(names: names, key: key)
        order = try await ca.finalize(order, csr: request.der)
        progress = .finalized
        schedule = PollSchedule(total: .seconds(60))
        start = .now
      case .poll:
        let wait = order.retryAfter?.delay(from: Date())
        guard case .wait(let wait) = schedule.next(retryAfter: wait, elapsed: .now - start) else {
          throw Refused(problem: nil, authorizations: [])
        }
        try await Task.sleep(for: wait)  // the wait that the CA or the schedule asked for
        order = try await ca.order(at: order.url).following(order)
      case .download:
        let chain = try await ca.certificate(of: order, preferredRoot: preferredRoot)
        return (chain, order)
      case .abandon(let problem):
        var authorizations: [Authorization] = []
        for url in order.authorizations { authorizations.append(try await ca.authorization(at: url)) }
        throw Refused(problem: problem, authorizations: authorizations)
      }
    }
  }
}
