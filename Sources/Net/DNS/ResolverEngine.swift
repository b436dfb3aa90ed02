import Glibc

/// What runs on a resolver's thread: the channel, and the questions that wait for a place in it.
struct ResolverEngine: ~Copyable {
  private struct Question {
    var number: UInt
    var name: String
    var type: RecordType
  }

  private let mailbox: Mailbox<ResolverLoop.Letter>
  private let settings: ResolverSettings
  private var answers: [UInt: ResolverLoop.Answer] = [:]
  private var questions = Queue<Question>()

  init(mailbox: Mailbox<ResolverLoop.Letter>, settings: ResolverSettings) {
    self.mailbox = mailbox
    self.settings = settings
  }

  /// Works until the resolver is gone.
  mutating func run() {
    guard var channel = AresChannel(settings) else { return serveNobody() }
    while true {
      for letter in mailbox.collect() {
        switch letter {
        case .ask(let number, let name, let type, let answer):
          answers[number] = answer
          questions.append(Question(number: number, name: name, type: type))
        case .cancel(let number):
          // c-ares cannot take back one question: its answer will find nobody.
          answers.removeValue(forKey: number)?.resume(returning: DNSReply(.timedOut))
        case .shutDown:
          return end()
        }
      }
      ask(on: &channel)
      for (number, reply) in channel.collect() { answers.removeValue(forKey: number)?.resume(returning: reply) }
      if !questions.isEmpty, channel.inFlight < settings.inFlight { continue }
      channel.sleep(orInputOn: mailbox.doorbell.descriptor)
    }
  }

  private mutating func ask(on channel: inout AresChannel) {
    while channel.inFlight < settings.inFlight, let question = questions.next() {
      // Cancelled while it waited.
      guard answers[question.number] != nil else { continue }
      channel.ask(question.name, question.type, number: question.number)
    }
  }

  /// The settings name no server that can be asked: says so to everyone.
  private mutating func serveNobody() {
    while true {
      for letter in mailbox.collect() {
        switch letter {
        case .ask(_, _, _, let answer): answer.resume(returning: DNSReply(.noServer))
        case .cancel: break
        case .shutDown: return end()
        }
      }
      var bell = pollfd(fd: mailbox.doorbell.descriptor, events: Int16(POLLIN), revents: 0)
      poll(&bell, 1, 1000)
    }
  }

  private mutating func end() {
    for answer in answers.values { answer.resume(returning: DNSReply(.noServer)) }
    answers = [:]
    for case .ask(_, _, _, let answer) in mailbox.close() { answer.resume(returning: DNSReply(.noServer)) }
  }
}
