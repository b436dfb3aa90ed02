public import Fleet

/// Prints faults as compilers do: `file:line:column: error: …`, the line with a caret, the remedy.
public struct DiagnosticPrinter: Sendable {
  /// Whether severities and carets are coloured.
  public var usesColor: Bool
  /// How many faults are printed at most; the rest is counted.
  public var limit: Int

  /// Chooses the form.
  public init(usesColor: Bool = false, limit: Int = 200) {
    self.usesColor = usesColor
    self.limit = limit
  }

  /// All faults as text that ends with a line end; empty without faults. Errors are not crowded out by warnings.
  public func text(_ diagnostics: [Diagnostic]) -> String {
    let errors = diagnostics.count { $0.severity == .error }
    var warningsLeft = max(0, limit - errors)
    var errorsLeft = limit
    var text = ""
    for diagnostic in diagnostics {
      switch diagnostic.severity {
      case .error:
        guard errorsLeft > 0 else { continue }
        errorsLeft -= 1
      case .warning:
        guard warningsLeft > 0 else { continue }
        warningsLeft -= 1
      }
      text += self.text(diagnostic)
    }
    let hidden = diagnostics.count - (limit - errorsLeft) - (max(0, limit - errors) - warningsLeft)
    if hidden > 0 { text += "… and \(hidden) more\n" }
    return text
  }

  /// One fault.
  public func text(_ diagnostic: Diagnostic) -> String {
    let severity: String
    let color: String
    switch diagnostic.severity {
    case .error: (severity, color) = ("error", "31")
    case .warning: (severity, color) = ("warning", "33")
    }
    let location = diagnostic.location
    var text = paint("\(Printable.terminal(location.file)):\(location.line):\(location.column):", "1")
    // Messages quote files; those who made them wrote them through `Printable`, and once more costs nothing.
    text += " " + paint(severity + ":", "1;" + color) + " " + Printable.terminal(diagnostic.message) + "\n"
    for line in diagnostic.excerpt?.split(separator: "\n", omittingEmptySubsequences: false) ?? [] {
      let isCaret = line.allSatisfy { $0 == " " || $0 == "^" }
      text += "    " + (isCaret ? paint(String(line), "1;32") : String(line)) + "\n"
    }
    if let remedy = diagnostic.remedy { text += "    → " + Printable.terminal(remedy) + "\n" }
    return text
  }

  /// `2 errors, 1 warning`; nil without faults.
  public static func summary(_ diagnostics: [Diagnostic]) -> String? {
    let errors = diagnostics.count { $0.severity == .error }
    let parts = [(errors, "error"), (diagnostics.count - errors, "warning")].filter { $0.0 > 0 }
    guard !parts.isEmpty else { return nil }
    return parts.map { "\($0.0) \($0.1)\($0.0 == 1 ? "" : "s")" }.joined(separator: ", ")
  }

  private func paint(_ text: String, _ code: String) -> String {
    usesColor ? "\u{1b}[\(code)m\(text)\u{1b}[0m" : text
  }
}
