import Appliance
import Fleet
import SSH
import Synchronization
import Testing

@testable import Controller

@Suite(.timeLimit(.minutes(1))) struct TunnelDeskTests {
  private typealias Way = @Sendable (Int, TunnelWay.Watch) async throws(Failure) -> Void

  /// A desk whose nth tunnel does as told.
  private func desk(_ way: @escaping Way) -> TunnelDesk {
    let opened = Counter()
    let hold = TunnelWay(
      hold: { (_, _, watch) async throws(Failure) in try await way(opened.next(), watch) },
      look: { (_) async throws(Failure) -> TunnelCheck.Binding in .loopback })
    return TunnelDesk(
      node: NodeID("n"), way: hold, port: 8888, responder: .init(pair: PairID("p"), thumbprint: "thumbprint"))
  }

  private final class Counter: Sendable {
    private let count = Mutex(0)
    var now: Int { count.withLock { $0 } }
    func next() -> Int {
      count.withLock { count in
        count += 1
        return count
      }
    }
  }

  // E3: a token that is presented while the tunnel closes waits for the next one; it was taken for answered by the one that was gone.
  @Test func aTokenPresentedWhileTheTunnelClosesIsAnsweredByTheNext() async {
    let (closing, closes) = AsyncStream<Void>.makeStream()
    let (presented, isPresented) = AsyncStream<Void>.makeStream()
    let tunnels = Counter()
    let desk = desk { (number, watch) async throws(Failure) in
      _ = tunnels.next()
      // The first connection breaks at once; the second one stands.
      await watch(8888) { number > 1 }
      guard number == 1 else { return }
      // The forward is being taken back: the desk hears of the next token meanwhile.
      closes.finish()
      for await _ in presented {}
    }

    let answers = await withTaskGroup(of: String?.self) { group in
      group.addTask {
        await desk.serve()
        return nil
      }
      let first = await desk.present(["first"])
      await desk.withdraw(["first"])
      for await _ in closing {}
      group.addTask {
        let second = await desk.present(["second"])
        let number = tunnels.now
        await desk.withdraw(["second"])
        await desk.close()
        return "\(second.map(\.detail) ?? "answered") by tunnel \(number)"
      }
      // The desk knows of the second token before the first tunnel has gone.
      while await !desk.isAsked("second") { await Task.yield() }
      isPresented.finish()
      var answers = [first == nil ? "answered by tunnel 1" : "refused"]
      for await answer in group {
        guard let answer else { continue }
        answers.append(answer)
        group.cancelAll()
      }
      return answers
    }

    #expect(answers == ["answered by tunnel 1", "answered by tunnel 2"])
  }

  // E3: a tunnel that breaks while the CA still asks is opened again, without a new token.
  @Test func aTunnelThatBreaksWhileTokensAreOpenIsOpenedAgain() async {
    let (second, opens) = AsyncStream<Void>.makeStream()
    let desk = desk { (number, watch) async throws(Failure) in
      if number == 2 { opens.finish() }
      await watch(8888) { number > 1 }
    }

    await withTaskGroup(of: Void.self) { group in
      group.addTask { await desk.serve() }
      #expect(await desk.present(["token"]) == nil)
      for await _ in second {}
      group.cancelAll()
    }
  }

  @Test func whoWaitsIsToldWhyThereIsNoTunnel() async {
    let desk = desk { (_, _) async throws(Failure) in throw Failure(.tunnelRefused, "port 8888 is taken") }

    await withTaskGroup(of: Void.self) { group in
      group.addTask { await desk.serve() }
      #expect(await desk.present(["token"])?.detail == "port 8888 is taken")
      await desk.close()
      group.cancelAll()
    }
  }
}
