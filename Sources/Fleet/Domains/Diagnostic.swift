/// A fault in something a person wrote: where it stands, what is wrong, and what to do. All are collected, none is thrown.
public struct Diagnostic: Sendable, Equatable, Codable {
  /// How bad it is.
  public var severity: Severity
  /// Where it stands.
  public var location: SourceLocation
  /// What is wrong, in one sentence without the file's secrets.
  public var message: String
  /// What to do about it.
  public var remedy: String?
  /// The line as printed under the message, with a caret; nil where the line may hold a secret.
  public var excerpt: String?

  /// Collects the parts.
  public init(
    _ severity: Severity, at location: SourceLocation, _ message: String, remedy: String? = nil,
    excerpt: String? = nil
  ) {
    self.severity = severity
    self.location = location
    self.message = message
    self.remedy = remedy
    self.excerpt = excerpt
  }

  /// Errors stop the command, warnings do not.
  public enum Severity: String, Sendable, Codable {
    case error
    case warning
  }
}

/// A place in a file; lines and columns count from 1, columns in characters.
public struct SourceLocation: Sendable, Hashable, Codable, CustomStringConvertible {
  /// The file as the user named it.
  public var file: String
  /// The line, from 1.
  public var line: Int
  /// The column, from 1.
  public var column: Int

  /// Names a place.
  public init(file: String, line: Int, column: Int) {
    self.file = file
    self.line = line
    self.column = column
  }

  /// `file:line:column`, as compilers print it.
  public var description: String { "\(file):\(line):\(column)" }
}
