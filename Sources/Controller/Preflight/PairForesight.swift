import Appliance
import Fleet
import Foundation
import Journal

/// Asks the nodes of a pair what a rollout would refuse, before an order is spent on it: `run`, `doctor` and `enroll` by the same script.
struct PairForesight: Sendable {
  let journal: JournalStore

  /// A node that can be asked.
  struct Place: Sendable {
    var link: NodeLink
    var facts: NodeFacts
  }

  /// What was found. A node that did not answer refuses nothing: the rollout will see.
  struct Answer: Sendable {
    var refusals: [SpecID: Failure] = [:]
    /// Other files that hold a name of a certificate, with the options of their lines.
    var beside: [SpecID: [String]] = [:]
    /// Whether each node said something.
    var isWhole = true

    /// As findings, under the first name of each certificate.
    func findings(of certificates: [CertificateState], at now: Date) -> [Finding] {
      guard isWhole else { return [] }
      return certificates.map { certificate in
        let failure = refusals[certificate.spec.id]
        return Finding(
          vip: certificate.spec.vipReference, name: certificate.spec.names.first, check: .files,
          verdict: failure.map { .vetoes($0.kind) } ?? .passes,
          evidence: failure.map { ($0.node.map { "\($0): " } ?? "") + $0.detail }
            ?? "nothing is in the way on the nodes",
          at: now)
      }
    }
  }

  private struct Seen: Sendable {
    var node: NodeID
    var foresight: Result<Foresight, Failure>
  }

  /// Looks at all nodes at once. Of several refusals of one certificate the first node's counts.
  func look(
    at certificates: [CertificateState], of pair: Pair, on places: [Place]
  ) async throws(JournalError) -> Answer {
    guard !certificates.isEmpty, !places.isEmpty else { return Answer(isWhole: false) }
    let ever = try journal.leaves(of: certificates.map(\.spec.id))
    let seen = await withTaskGroup(of: Seen.self) { group in
      for place in places {
        group.addTask {
          let foresight = await Self.ask(place, certificates, ever, pair.drift)
          return Seen(node: place.link.node.id, foresight: foresight)
        }
      }
      return await group.reduce(into: [Seen]()) { $0.append($1) }.sorted { $0.node < $1.node }
    }
    var answer = Answer()
    for one in seen {
      switch one.foresight {
      case .failure: answer.isWhole = false
      case .success(let foresight):
        var refusals = foresight.refusals
        for (spec, displaced) in foresight.displaced where refusals[spec] == nil {
          // Where one of ours is the default already, another of ours may be.
          if try journal.owner(ofLeaf: displaced.leaf) == nil { refusals[spec] = displaced.failure }
        }
        answer.refusals.merge(refusals) { first, _ in first }
        answer.beside.merge(foresight.beside) { first, _ in first }
      }
    }
    return answer
  }

  private static func ask(
    _ place: Place, _ certificates: [CertificateState], _ ever: [SpecID: [String]], _ drift: DriftPolicy
  ) async -> Result<Foresight, Failure> {
    let id = place.link.node.id
    let work = RolloutWork(
      node: place.link.node, facts: place.facts,
      rollout: RolloutID("f-" + String(UInt64.random(in: .min ... .max), radix: 36)),
      files: certificates.map {
        BatchFile(wanted: $0.spec, expected: .init(replacing: $0, on: id, ever: ever, drift: drift))
      })
    do throws(Failure) {
      let script = work.foresee(nonce: .fresh())
      let result = try await place.link.run(script)
      return .success(try work.readForesight(result, of: script))
    } catch {
      return .failure(error)
    }
  }
}

extension DoctorReport.Row {
  /// How many files lie in the way of a pair's certificates, in one line.
  static func files(_ answer: PairForesight.Answer, of pair: PairID, looked: Int) -> DoctorReport.Row? {
    guard looked > 0, answer.isWhole else { return nil }
    guard let words = answer.words else {
      return .init(
        .good, "places", of: pair.rawValue, pair: pair,
        "nothing lies in the way of \(Wording.count(looked, "certificate"))")
    }
    return .init(.bad, "places", of: pair.rawValue, pair: pair, words, remedy: answer.remedy)
  }
}

extension PairForesight.Answer {
  /// Names that other files hold as well, counted.
  var besideWords: String? {
    guard !beside.isEmpty else { return nil }
    let shown = beside.sorted { $0.key < $1.key }.prefix(3).map {
      "\($0.key) in \($0.value.joined(separator: " and "))"
    }
    let more = beside.count > 3 ? ", …" : ""
    return "\(Wording.count(beside.count, "certificate")) with names that other files hold too: "
      + shown.joined(separator: ", ") + more
  }

  /// What to do about them.
  static let besideRemedy =
    "HAProxy serves the file that it loads first for a name and kind of key: give the row the old file's name as its "
    + "label, or take the old file away once the new one is served."

  /// The files that lie in the way and that certfleet did not put there, counted and named; else how many are refused.
  var words: String? {
    guard !refusals.isEmpty else { return nil }
    let foreign = refusals.filter { $0.value.kind == .changedByHand }.sorted { $0.key < $1.key }
    let rest = refusals.count - foreign.count
    var parts: [String] = []
    if !foreign.isEmpty {
      let names = foreign.prefix(3).compactMap { $0.value.name ?? $0.key.rawValue }.joined(separator: ", ")
      let more = foreign.count > 3 ? ", …" : ""
      parts.append(
        "\(Wording.count(foreign.count, "file lies", "files lie")) there that certfleet did not put there: \(names)\(more)"
      )
    }
    if rest > 0 { parts.append("\(Wording.count(rest, "certificate")) would be refused for another reason") }
    return parts.joined(separator: "; ")
  }

  /// What to do about all of them.
  var remedy: String? {
    refusals.values.contains { $0.kind == .changedByHand }
      ? "certfleet retry NAME overwrites them, at the next run" : refusals.values.first?.kind.advice
  }
}
