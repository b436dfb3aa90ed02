import ACME
import Foundation
import Testing

@Suite struct OrderFlowTests {
  @Test(arguments: [
    (OrderStatus.pending, Order.Progress.ordered, Order.Step.authorize), (.pending, .answered, .poll),
    (.ready, .ordered, .finalize), (.ready, .answered, .finalize), (.processing, .ordered, .poll),
    (.processing, .finalized, .poll), (.invalid, .ordered, .abandon(nil)), (.invalid, .finalized, .abandon(nil)),
    // A replica that is behind: finalize is never sent twice, and no challenge answered again.
    (.ready, .finalized, .poll), (.pending, .finalized, .poll),
    // Words that are not in the RFC, and `valid` without a certificate.
    (OrderStatus(rawValue: "held"), .ordered, .poll), (.valid, .finalized, .poll),
  ])
  func theStatusAndOurProgressDecideTheNextStep(status: OrderStatus, progress: Order.Progress, expected: Order.Step) {
    #expect(order(status).next(after: progress) == expected)
  }

  @Test(arguments: [OrderStatus.valid, .ready, .processing, .pending])
  func aCertificateURLIsEnoughToDownload(status: OrderStatus) {
    var order = order(status)
    order.certificate = "https://ca.example/cert/1"

    #expect(order.next(after: .finalized) == .download)
  }

  @Test func aStaleAnswerCannotTakeACertificateBack() {
    var seen = order(.valid)
    seen.certificate = "https://ca.example/cert/1"
    var stale = order(.processing)
    stale.url = ""
    stale.identifiers = []
    stale.authorizations = []

    let merged = stale.following(seen)

    #expect(merged.next(after: .finalized) == .download)
    #expect(merged == seen)
  }

  @Test func anOrderThatDiesStaysDead() {
    let problem = Problem(type: .caa, detail: "CAA forbids")
    var dead = order(.invalid)
    dead.error = problem

    #expect(dead.following(order(.ready)).next(after: .finalized) == .abandon(problem))
  }

  @Test func theProblemOfANameIsItsSubproblem() {
    let a = Problem(type: .caa, detail: "a", identifier: Identifier(type: "dns", value: "a.example"))
    let b = Problem(type: .dns, detail: "b", identifier: Identifier(type: "dns", value: "b.example"))
    let whole = Problem(type: .compound, detail: "two failed", subproblems: [a, b])

    #expect(whole.concerning("b.example") == b)
    #expect(whole.concerning("*.a.example") == a)
    #expect(whole.concerning("c.example") == nil)
    let single = Problem(type: .caa, detail: "the only one")
    #expect(single.concerning("a.example") == single)
  }

  private func order(_ status: OrderStatus) -> Order {
    Order(
      url: "https://ca.example/order/1", status: status, identifiers: [Identifier(name: "a.example")],
      authorizations: ["https://ca.example/authz/1"], finalize: "https://ca.example/finalize/1")
  }
}
