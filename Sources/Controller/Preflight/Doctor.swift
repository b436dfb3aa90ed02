import Appliance
import Fleet
import Foundation
import Journal
import Net
import SSH

extension Workplace {
  /// Looks at everything that a run needs: `certfleet doctor`. Changes nothing but the file of names that the challenge rule answers for, as a
  /// run does before its first order.
  ///
  /// - Parameters:
  ///   - pair: only this pair.
  ///   - domain: only the certificates with this name, and their pairs.
  ///   - progress: told how many steps are done, of how many.
  public func doctor(
    pair: String?, domain: String?, progress: @escaping @Sendable (Int, Int) -> Void
  ) async throws(CommandFault) -> DoctorReport {
    let controller = try await controllerID()
    var chosen = Set(try find(pairs: pair.map { [$0] } ?? []))
    let (state, _, _) = try await wantedState(at: clock.now)
    var certificates = state.certificates.values.filter { chosen.contains($0.spec.pair) }
    if let domain {
      let found = Set(try find([domain], in: state).map(\.spec.id))
      certificates = certificates.filter { found.contains($0.spec.id) }
      chosen = Set(certificates.map(\.spec.pair))
      guard !certificates.isEmpty else {
        throw .badInput("no certificate of pair \(pair ?? "") has the name “\(Printable.terminal(domain))”")
      }
    }
    certificates.sort { $0.spec.id < $1.spec.id }
    let pairs = inventory.pairs.filter { chosen.contains($0.id) }
    let loop = CurlLoop()
    defer { loop.shutdown() }
    let http = HTTPClient(loop: loop)
    var rows = await controllerRows(http)
    if let note = PreferredRoot.note(inventory.authorities[0], state) {
      rows.append(
        .init(.note, "preferred root", of: "controller", note, remedy: "Correct `preferred_root:`, or leave it out."))
    }
    let survey = try preflightSurvey(http, state, issuer: await issuer(http, state))
    let client = SSHClient()
    let recorder = Recorder(journal: journal, sweep: nil, clock: clock) { _ in }
    let desk = PairDoctor(
      client: client, targets: NodeTargets(state: state), clock: clock,
      marks: MarkKeeper(controller: controller, recorder: recorder), foresight: PairForesight(journal: journal))
    let pairRows = await Self.look(at: pairs, state, desk)
    await client.shutdown()
    let told = Set(pairRows.filter { $0.value.mayAnswer }.map(\.key))
    let subjects = certificates.flatMap { certificate in
      self.subjects(of: certificate, isAllowed: told.contains(certificate.spec.pair) ? true : nil)
    }
    let places = pairRows.values.flatMap(\.findings)
    let findings = try await journaled { () async throws(JournalError) in
      try await journal.keep(places, at: clock.now)
      return try await survey.look(at: subjects, progress: progress) + places.filter { $0.verdict.kind != nil }
    }
    let served = await ServedDoctor(
      probe: CertificateProbe(loop: loop), trust: inventory.authorities[0].roots, clock: clock
    ).rows(certificates, inventory)
    let drift = DriftReport(after: state, records: [], inventory: inventory, sweep: nil)
    for pair in pairs {
      rows += pairRows[pair.id]?.rows ?? []
      rows += drift.groups.filter { $0.pair == pair.id }.map { DoctorReport.Row($0) }
      let mine = findings.filter { $0.vip.pair == pair.id }.map { DoctorReport.Row($0) } + (served[pair.id] ?? [])
      // Name by name, each with its checks in their order.
      let order = Dictionary(mine.enumerated().map { ($0.element.subject, $0.offset) }) { first, _ in first }
      rows += mine.enumerated().sorted {
        (order[$0.element.subject] ?? 0, $0.offset) < (order[$1.element.subject] ?? 0, $1.offset)
      }.map(\.element)
    }
    return DoctorReport(at: clock.now, rows: rows, names: subjects.count)
  }

  /// Pairs asked at the same time.
  private static let pairsInFlight = 32

  private static func look(
    at pairs: [Pair], _ state: FleetState, _ desk: PairDoctor
  ) async -> [PairID: PairDoctor.Answer] {
    let gate = Gate(limit: pairsInFlight)
    return await withTaskGroup(of: Examined.self) { group in
      for pair in pairs {
        group.addTask {
          let answer = await gate.run { await desk.look(at: pair, state) }
          return Examined(pair: pair.id, answer: answer)
        }
      }
      return await group.reduce(into: [:]) { $0[$1.pair] = $1.answer }
    }
  }

  private struct Examined: Sendable {
    var pair: PairID
    var answer: PairDoctor.Answer
  }

  // MARK: The controller

  /// A CA back-dates certificates by an hour, yet refuses nothing by our clock; logs and renewals go by it. Seconds.
  static let toleratedSkew = 60.0

  /// The way to the CA, and our clock against the CA's.
  private func controllerRows(_ http: HTTPClient) async -> [DoctorReport.Row] {
    let authority = inventory.authorities[0]
    do throws(NetError) {
      let sentAt = clock.now
      let response = try await http.send(
        HTTPRequest(
          url: authority.directory, deadline: .seconds(15), trust: authority.trust.map { .bundle($0) } ?? .system))
      let now = clock.now
      guard response.status == 200 else {
        return [
          .init(
            .bad, "way to the CA", of: "controller", "\(authority.directory) answers with \(response.status)",
            remedy: Failure.Kind.authorityUnreachable.advice)
        ]
      }
      let reached = DoctorReport.Row(.good, "way to the CA", of: "controller", "\(authority.directory) answers")
      guard let text = response.header("Date"), let date = Self.httpDate(text) else { return [reached] }
      let skew = sentAt.addingTimeInterval(now.timeIntervalSince(sentAt) / 2).timeIntervalSince(date)
      return [reached, Self.clockRow(skew, of: "controller", pair: nil, against: "the CA's")]
    } catch {
      return [
        .init(
          .bad, "way to the CA", of: "controller", "\(authority.directory): \(error.detail)",
          remedy: Failure.Kind.authorityUnreachable.advice)
      ]
    }
  }

  static func clockRow(_ skew: Double, of subject: String, pair: PairID?, against: String) -> DoctorReport.Row {
    let isOff = abs(skew) > toleratedSkew
    let words = "\(Wording.span(abs(skew))) \(skew > 0 ? "ahead of" : "behind") \(against)"
    return .init(
      isOff ? (abs(skew) > 300 ? .bad : .note) : .good, "clock", of: subject, pair: pair,
      abs(skew) < 2 ? "as \(against)" : words, remedy: isOff ? "Let NTP set the clock." : nil)
  }

  /// RFC 9110 §5.6.7, the one form that servers may send.
  static func httpDate(_ text: String) -> Date? {
    let formatter = DateFormatter()
    formatter.locale = Locale(identifier: "en_US_POSIX")
    formatter.timeZone = TimeZone(secondsFromGMT: 0)
    formatter.dateFormat = "EEE, dd MMM yyyy HH:mm:ss 'GMT'"
    return formatter.date(from: text)
  }
}
