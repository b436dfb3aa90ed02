import Fleet
import Foundation
import Glibc
import Synchronization

/// What is known of the terminal, and how things are said on it: results on stdout, everything else on stderr.
enum Terminal {
  /// Whether stderr is a person's terminal.
  static let isInteractive = isatty(STDERR_FILENO) == 1 && environment("TERM") != "dumb"

  /// Columns of the terminal; 80 where nobody says.
  static var columns: Int {
    var size = winsize()
    guard ioctl(STDERR_FILENO, UInt(TIOCGWINSZ), &size) == 0, size.ws_col > 0 else { return 80 }
    return Int(size.ws_col)
  }

  /// Whether colour is wanted (https://no-color.org).
  static func allowsColour(_ options: GlobalOptions) -> Bool {
    isInteractive && !options.noColor && environment("NO_COLOR") == nil
  }

  /// A result. What cannot be written is dropped and remembered in `lostResults`.
  static func show(_ text: String) {
    let written = OutputStream.standardOutput.write(text.hasSuffix("\n") ? text : text + "\n")
    if case .failure(let problem) = written { lost.withLock { $0 = $0 ?? problem } }
  }

  /// Progress, warnings, faults. What cannot be written is dropped: a full disk must not end a rollout half-way.
  static func say(_ text: String) { draw(text.hasSuffix("\n") ? text : text + "\n") }

  /// Without a newline: parts of a picture that is drawn over.
  static func draw(_ text: String) { _ = OutputStream.standardError.write(text) }

  /// Why a result was dropped, if one was.
  static var lostResults: OutputStream.Problem? { lost.withLock(\.self) }

  private static let lost = Mutex<OutputStream.Problem?>(nil)

  /// A machine-readable result: one document, keys sorted, dates ISO 8601.
  static func show(json value: some Encodable, pretty: Bool = true) throws {
    let encoder = JSONEncoder()
    encoder.dateEncodingStrategy = .iso8601
    encoder.outputFormatting =
      pretty ? [.prettyPrinted, .sortedKeys, .withoutEscapingSlashes] : [.sortedKeys, .withoutEscapingSlashes]
    show(Printable.json(String(decoding: try encoder.encode(value), as: UTF8.self)))
  }

  static func environment(_ name: String) -> String? { ProcessInfo.processInfo.environment[name] }
}
