/// A table in plain text: columns padded to their widest cell, numbers to the right, no lines but one under the head.
public struct TextTable: Sendable {
  private let head: [String]
  private let alignsRight: [Bool]
  private var rows: [[String]] = []

  /// Starts a table; a column whose title begins with `>` is aligned to the right.
  public init(_ titles: String...) {
    head = titles.map { $0.hasPrefix(">") ? String($0.dropFirst()) : $0 }
    alignsRight = titles.map { $0.hasPrefix(">") }
  }

  /// Adds a row; hostile text is made printable here, once.
  public mutating func add(_ cells: String...) { rows.append(cells.map(Printable.terminal)) }

  /// Whether no row was added.
  public var isEmpty: Bool { rows.isEmpty }

  /// The lines, each indented by two spaces.
  public var lines: [String] {
    let all = [head] + rows
    let widths = head.indices.map { column in all.map { column < $0.count ? $0[column].count : 0 }.max() ?? 0 }
    func line(_ cells: [String]) -> String {
      let padded = cells.enumerated().map { column, cell in
        let space = String(repeating: " ", count: max(0, widths[column] - cell.count))
        return alignsRight[column] ? space + cell : cell + space
      }
      let text = "  " + padded.joined(separator: "  ")
      return String(text.reversed().drop { $0 == " " }.reversed())
    }
    let rule = "  " + widths.map { String(repeating: "-", count: $0) }.joined(separator: "  ")
    return [line(head), rule] + rows.map(line)
  }
}
