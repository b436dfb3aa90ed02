import Foundation
import Synchronization

/// Asks name servers, thousands of names at once, on one thread of its own. Make one and keep it.
public struct Resolver: Sendable {
  private let loop: ResolverLoop

  /// - Parameters:
  ///   - servers: `ip:port` or `[ip]:port` each; none means those of the system. Text that is no address makes every
  ///     answer `noServer`.
  ///   - timeout: for the first try at a server; later rounds wait longer.
  ///   - tries: how often each server is asked.
  public init(servers: [String] = [], timeout: Duration = .seconds(2), tries: Int = 3) {
    loop = ResolverLoop(
      ResolverSettings(servers: servers, timeout: timeout, tries: max(1, tries)))
  }

  /// Asks once; never throws, because every outcome is a fact about the name.
  public func lookup(_ name: String, _ type: RecordType) async -> DNSAnswer { await loop.ask(name, type).answer }

  /// The same, with what tells whose word the answer is.
  public func ask(_ name: String, _ type: RecordType) async -> DNSReply { await loop.ask(name, type) }
}

/// How to ask, fixed for the life of a resolver.
struct ResolverSettings: Sendable {
  var servers: [String]
  var timeout: Duration
  var tries: Int
  /// Answers in flight must fit the socket's receive buffer: 416 KiB at the kernel's default, some 800 bytes each.
  var inFlight = 512
}

/// The thread of a resolver, and the way to it.
final class ResolverLoop: Sendable {
  typealias Answer = CheckedContinuation<DNSReply, Never>

  enum Letter: Sendable {
    case ask(UInt, String, RecordType, Answer)
    case cancel(UInt)
    case shutDown
  }

  private let mailbox: Mailbox<Letter>
  private let nextNumber = Atomic<UInt>(1)

  init(_ settings: ResolverSettings) {
    let mailbox = Mailbox<Letter>()
    self.mailbox = mailbox
    let thread = Thread {
      var engine = ResolverEngine(mailbox: mailbox, settings: settings)
      engine.run()
    }
    thread.name = "c-ares"
    thread.start()
  }

  deinit { _ = mailbox.post(.shutDown) }

  func ask(_ name: String, _ type: RecordType) async -> DNSReply {
    // C would end the name there, and ask for another one.
    guard !name.utf8.contains(0) else { return DNSReply(.malformed) }
    let number = nextNumber.add(1, ordering: .relaxed).oldValue
    return await withTaskCancellationHandler {
      await withCheckedContinuation { (answer: Answer) in
        if !mailbox.post(.ask(number, name, type, answer)) { answer.resume(returning: DNSReply(.noServer)) }
        // See `CurlLoop.run`: no cancellation falls between the two.
        if Task.isCancelled { _ = mailbox.post(.cancel(number)) }
      }
    } onCancel: {
      _ = mailbox.post(.cancel(number))
    }
  }
}
