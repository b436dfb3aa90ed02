import Controller
import Fleet
import Foundation

/// Shows how a run goes: bars that are drawn over on a terminal, plain lines elsewhere, records as JSON lines with `--json`.
actor ProgressDisplay: ProgressSink {
  private let options: GlobalOptions
  private let usesBars: Bool
  private var drawnLines = 0
  private var lastLine: (at: Date, text: String)?

  init(_ options: GlobalOptions) {
    self.options = options
    usesBars = Terminal.isInteractive && !options.json && !options.quiet
  }

  func show(_ snapshot: ProgressSnapshot) {
    guard !options.quiet, !options.json else { return }
    if usesBars { redraw(Self.bars(snapshot, columns: Terminal.columns)) } else { line(snapshot) }
  }

  func recorded(_ records: [Record]) {
    if options.json {
      for record in records { jsonLine(record) }
    } else if options.verbose > 0 {
      erase()
      for record in records { Terminal.say("\(record.at.formatted(.iso8601)) \(Self.words(record.event))") }
    }
  }

  func warn(_ text: String) {
    guard !options.quiet else { return }
    erase()
    Terminal.say(text)
  }

  /// Takes the bars away, so that the result stands where they were.
  func finish() { erase() }

  private func jsonLine(_ record: Record) {
    do {
      try Terminal.show(json: JSONRecord(record), pretty: false)
    } catch {
      Terminal.say("certfleet: a record could not be written as JSON: \(error)")
    }
  }

  private struct JSONRecord: Encodable {
    let sequence: Int64
    let at: Date
    let sweep: SweepID?
    let event: Event

    init(_ record: Record) {
      sequence = record.sequence
      at = record.at
      sweep = record.sweep
      event = record.event
    }
  }

  // MARK: On a terminal

  private func redraw(_ lines: [String]) {
    var picture = drawnLines > 0 ? "\u{1b}[\(drawnLines)A" : ""
    for line in lines { picture += "\u{1b}[2K" + line + "\n" }
    if drawnLines > lines.count {
      picture += String(repeating: "\u{1b}[2K\n", count: drawnLines - lines.count)
      picture += "\u{1b}[\(drawnLines - lines.count)A"
    }
    drawnLines = lines.count
    Terminal.draw(picture)
  }

  private func erase() {
    guard drawnLines > 0 else { return }
    Terminal.draw(
      "\u{1b}[\(drawnLines)A" + String(repeating: "\u{1b}[2K\n", count: drawnLines) + "\u{1b}[\(drawnLines)A")
    drawnLines = 0
  }

  static func bars(_ snapshot: ProgressSnapshot, columns: Int) -> [String] {
    var lines = [bar("asking pairs", snapshot.pairs, "", columns)]
    if snapshot.issuing.total > 0 {
      let rate = snapshot.rate > 0 ? String(format: "%.1f/s", snapshot.rate) : ""
      let left = snapshot.left ?? ""
      lines.append(
        bar("issuing", snapshot.issuing, [rate, left].filter { !$0.isEmpty }.joined(separator: ", "), columns))
    }
    if snapshot.rollingOut.total > 0 { lines.append(bar("serving", snapshot.rollingOut, "", columns)) }
    lines += notes(snapshot).map { String($0.prefix(columns - 1)) }
    return lines
  }

  private static func bar(_ title: String, _ count: ProgressSnapshot.Count, _ note: String, _ columns: Int) -> String {
    let width = max(10, min(40, columns - 50))
    let share = count.total == 0 ? 1 : Double(count.done) / Double(count.total)
    let filled = min(width, Int(share * Double(width)))
    let name = title + String(repeating: " ", count: max(0, 13 - title.count))
    let numbers = "\(Wording.grouped(count.done))/\(Wording.grouped(count.total))"
    return name + String(repeating: "█", count: filled) + String(repeating: "░", count: width - filled) + " " + numbers
      + (note.isEmpty ? "" : "  " + note)
  }

  /// One bar for a command with one phase.
  static func bar(_ title: String, _ done: Int, of total: Int) -> String {
    bar(title, .init(done: done, total: total), "", Terminal.columns)
  }

  /// The same as it is drawn over and over, gone when all is done; nothing where nobody looks.
  static func phase(_ title: String, _ options: GlobalOptions) -> @Sendable (Int, Int) -> Void {
    let isShown = Terminal.isInteractive && !options.quiet
    return { done, total in
      // Ten thousand names are not worth ten thousand pictures.
      guard isShown, done == total || done % max(1, total / 200) == 0 else { return }
      let picture = bar(title, done, of: total)
      Terminal.draw("\r\u{1b}[2K" + (done == total ? "" : picture))
    }
  }

  private static func notes(_ snapshot: ProgressSnapshot) -> [String] {
    var notes: [String] = []
    if let waiting = snapshot.waiting {
      notes.append("waiting until \(Wording.minute(waiting.until)) UTC: \(waiting.boundBy)")
    }
    if !snapshot.failures.isEmpty {
      let causes = snapshot.failures.prefix(4).map { "\($0.count) × \($0.kind.title)" }
      notes.append("failing: " + causes.joined(separator: ", ") + (snapshot.failures.count > 4 ? ", …" : ""))
    }
    return notes
  }

  // MARK: Elsewhere

  private func line(_ snapshot: ProgressSnapshot) {
    guard snapshot.pairs.total > 0 else { return }
    let numbers = [
      "\(snapshot.pairs.done)/\(snapshot.pairs.total) pairs asked",
      "\(snapshot.issuing.done)/\(snapshot.issuing.total) issued",
      "\(snapshot.rollingOut.done)/\(snapshot.rollingOut.total) served",
    ]
    let left = snapshot.left.map { $0.hasPrefix("issued") ? [$0] : [] } ?? []
    let text = (numbers + left + Self.notes(snapshot)).joined(separator: ", ")
    // One line every 10 seconds at most, and none that repeats the last.
    if let lastLine, snapshot.at.timeIntervalSince(lastLine.at) < 10 || lastLine.text == text { return }
    lastLine = (snapshot.at, text)
    Terminal.say(text)
  }

  private static func words(_ event: Event) -> String { Printable.terminal(EventWords.text(event)) }
}
