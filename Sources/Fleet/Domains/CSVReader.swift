/// Reads rows of comma-separated values (RFC 4180) byte by byte, knowing where every field stands.
///
/// Takes what spreadsheets and editors write: LF, CRLF or CR CR LF, a byte order mark, blanks around fields, blank lines, `#` comment lines, and `;`
/// or tab between fields when the first row has no comma, or what Excel's `sep=` names.
struct CSVReader {
  /// One field.
  struct Field: Equatable {
    /// The text without quotes and without blanks around it.
    var text: String
    /// The byte at which it starts.
    var offset: Int
  }

  /// What one call to `next` found.
  enum Item {
    case row([Field])
    case fault(Fault)
  }

  /// A row that could not be read.
  struct Fault {
    var offset: Int
    var message: String
    var remedy: String
  }

  /// More than any name and note needs; a quote that is never closed must not make a field of the whole file.
  static let maximumFieldBytes = 65_536
  /// There are ten columns; a row of thousands is no row of ours, and must not cost memory without bound.
  static let maximumFields = 1_000

  private let bytes: [UInt8]
  /// How far it has read.
  private(set) var position: Int
  private var separator: UInt8?

  init(_ bytes: [UInt8]) {
    self.bytes = bytes
    position = bytes.starts(with: [0xef, 0xbb, 0xbf]) ? 3 : 0
    readSeparatorLine()
  }

  /// Excel's first line `sep=;` says what stands between fields, and is no row.
  private mutating func readSeparatorLine() {
    let line = bytes[position...].prefix { !isLineEnd($0) }
    guard line.count == 5, line.prefix(4).elementsEqual("sep=".utf8) else { return }
    separator = line.last
    position = line.endIndex
    skipLineEnd()
  }

  /// The next row that is neither blank nor a comment, or a fault; nil at the end. A row of empty fields is blank, too.
  mutating func next() -> Item? {
    while position < bytes.count {
      let start = position
      skipBlanks()
      guard position < bytes.count else { return nil }
      if isLineEnd(bytes[position]) {
        skipLineEnd()
        continue
      }
      if bytes[position] == UInt8(ascii: "#") {
        skipLine()
        continue
      }
      position = start
      if separator == nil { separator = findSeparator() }
      switch row() {
      case .success(let fields):
        if fields.contains(where: { !$0.text.isEmpty }) { return .row(fields) }
      case .failure(let stop):
        // On at the line after the one where the row began: one lost quote must not hide the faults behind it.
        position = start
        skipLine()
        return .fault(stop.fault)
      }
    }
    return nil
  }

  private struct Stop: Error {
    var fault: Fault
  }

  private mutating func row() -> Result<[Field], Stop> {
    var fields: [Field] = []
    while true {
      switch field() {
      case .success(let field): fields.append(field)
      case .failure(let stop): return .failure(stop)
      }
      guard position < bytes.count else { return .success(fields) }
      if bytes[position] == separator {
        guard fields.count < Self.maximumFields else {
          return stop(position, "a row of more than \(Self.maximumFields) fields", "check the line ends")
        }
        position += 1
      } else {
        skipLineEnd()
        return .success(fields)
      }
    }
  }

  private mutating func field() -> Result<Field, Stop> {
    skipBlanks()
    if position < bytes.count, bytes[position] == UInt8(ascii: "\"") { return quotedField() }
    let start = position
    while position < bytes.count, bytes[position] != separator, !isLineEnd(bytes[position]) {
      if bytes[position] == UInt8(ascii: "\"") {
        return stop(
          position, "a quote in the middle of a field", "put the whole field in quotes and double the quotes within it")
      }
      position += 1
    }
    return text(bytes[start..<position], at: start)
  }

  private mutating func quotedField() -> Result<Field, Stop> {
    let start = position
    position += 1
    var content: [UInt8] = []
    while position < bytes.count {
      let byte = bytes[position]
      position += 1
      if byte != UInt8(ascii: "\"") {
        guard content.count < Self.maximumFieldBytes else { break }
        content.append(byte)
      } else if position < bytes.count, bytes[position] == UInt8(ascii: "\"") {
        content.append(byte)
        position += 1
      } else {
        let end = position
        skipBlanks()
        guard position == bytes.count || bytes[position] == separator || isLineEnd(bytes[position]) else {
          let spansLines = content.contains(0x0a)
          return stop(
            spansLines ? start : end,
            spansLines
              ? "the quote opened here is closed lines below, with text behind it" : "text after the closing quote",
            spansLines
              ? "close the quote on its line"
              : "put a comma behind the quote, or double a quote that belongs to the text")
        }
        return text(content[...], at: start + 1)
      }
    }
    return stop(start, "the quote opened here is never closed", "add the closing quote")
  }

  private func text(_ slice: ArraySlice<UInt8>, at start: Int) -> Result<Field, Stop> {
    var slice = slice
    var start = start
    while let first = slice.first, isBlank(first) || isLineEnd(first) {
      slice = slice.dropFirst()
      start += 1
    }
    while let last = slice.last, isBlank(last) || isLineEnd(last) { slice = slice.dropLast() }
    guard slice.count <= Self.maximumFieldBytes else {
      return stop(
        start, "a field of \(slice.count) bytes", "at most \(Self.maximumFieldBytes) bytes are read as one field")
    }
    // `String(validating:)` gives no place, so the place is searched for only where there is a fault.
    if let text = String(validating: slice, as: UTF8.self) {
      if let zero = slice.firstIndex(of: 0) {
        return stop(
          start + zero - slice.startIndex, "a NUL byte; this is no text file, or UTF-16",
          "save the file as CSV in UTF-8")
      }
      return .success(Field(text: text, offset: start))
    }
    return stop(
      start + Self.validPrefix(slice), "bytes that are no UTF-8",
      "save the file as CSV in UTF-8, not in Latin-1 or Windows-1252")
  }

  private func stop<Found>(_ offset: Int, _ message: String, _ remedy: String) -> Result<Found, Stop> {
    .failure(Stop(fault: Fault(offset: offset, message: message, remedy: remedy)))
  }

  /// How many bytes come before the first that is no UTF-8.
  static func validPrefix(_ bytes: ArraySlice<UInt8>) -> Int {
    var iterator = bytes.makeIterator()
    var decoder = UTF8()
    var valid = 0
    while true {
      switch decoder.decode(&iterator) {
      case .scalarValue(let scalar): valid += UTF8.width(scalar)
      case .emptyInput, .error: return valid
      }
    }
  }

  // MARK: Bytes

  private func isBlank(_ byte: UInt8) -> Bool { byte == 0x20 || (byte == 0x09 && separator != 0x09) }
  private func isLineEnd(_ byte: UInt8) -> Bool { byte == 0x0a || byte == 0x0d }

  private mutating func skipBlanks() {
    while position < bytes.count, isBlank(bytes[position]) { position += 1 }
  }

  private mutating func skipLineEnd() {
    while position < bytes.count, bytes[position] == 0x0d { position += 1 }
    if position < bytes.count, bytes[position] == 0x0a { position += 1 }
  }

  private mutating func skipLine() {
    while position < bytes.count, !isLineEnd(bytes[position]) { position += 1 }
    skipLineEnd()
  }

  /// Decided by the first row: Excel writes `;` where the comma is a decimal point.
  private func findSeparator() -> UInt8 {
    let line = bytes[position...].prefix { !isLineEnd($0) }
    for candidate in [UInt8(ascii: ","), UInt8(ascii: ";"), 0x09] where line.contains(candidate) { return candidate }
    return UInt8(ascii: ",")
  }
}
