import Controller

/// Files that commands write for people.
enum Files {
  static func write(_ text: String, to path: String) throws { try ReportFile.write(text, to: path) }
}
