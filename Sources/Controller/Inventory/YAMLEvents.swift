import CYAML

/// What libyaml's parser sees, one event after the other: the same eyes that make the tree, so that nothing has to guess what a text will become.
///
/// Events come as they are read, with a line of text ahead at most, so whoever counts them stops a text that would grow without end.
final class YAMLEvents {
  /// One event.
  enum Event {
    case alias(String, Mark)
    case scalar(String, isPlain: Bool, Node)
    case sequence(Node)
    case mapping(Node)
    case end(Mark)
    case document(Mark)
    case streamEnd
  }

  /// What nodes have in common.
  struct Node {
    var mark: Mark
    var anchor: String?
    var tag: String?
  }

  /// A place: lines and columns from 1, columns in Unicode scalars.
  struct Mark {
    var line: Int
    var column: Int
    /// Bytes from the beginning.
    var offset: Int
  }

  /// Why it cannot go on, in libyaml's words, which never hold the text's.
  struct Fault: Error {
    var problem: String
    var mark: Mark
    var context: String?
    var contextMark: Mark
    /// Whether a byte or character was refused, rather than the syntax.
    var isEncoding: Bool
  }

  private let parser: UnsafeMutablePointer<yaml_parser_t>
  private let text: UnsafeMutableBufferPointer<UInt8>

  init?(_ text: String) {
    parser = .allocate(capacity: 1)
    parser.initialize(to: yaml_parser_t())
    self.text = .allocate(capacity: text.utf8.count)
    _ = self.text.initialize(from: text.utf8)
    // Only where no memory is left; `deinit` frees what there is.
    guard yaml_parser_initialize(parser) == 1 else { return nil }
    yaml_parser_set_encoding(parser, YAML_UTF8_ENCODING)
    yaml_parser_set_input_string(parser, self.text.baseAddress, self.text.count)
  }

  deinit {
    yaml_parser_delete(parser)
    parser.deallocate()
    text.deallocate()
  }

  /// The next event; the beginning and end of documents and of the stream are told where they matter.
  func next() throws(Fault) -> Event {
    while true {
      var event = yaml_event_t()
      guard yaml_parser_parse(parser, &event) == 1 else { throw fault }
      defer { yaml_event_delete(&event) }
      let mark = Self.mark(event.start_mark)
      switch event.type {
      case YAML_ALIAS_EVENT: return .alias(Self.text(event.data.alias.anchor) ?? "", mark)
      case YAML_SCALAR_EVENT:
        let scalar = event.data.scalar
        let node = Node(
          mark: mark, anchor: Self.text(scalar.anchor), tag: scalar.quoted_implicit == 1 ? nil : Self.text(scalar.tag))
        // A scalar may hold a NUL, written "\0".
        let value = String(decoding: UnsafeBufferPointer(start: scalar.value, count: scalar.length), as: UTF8.self)
        return .scalar(value, isPlain: scalar.style == YAML_PLAIN_SCALAR_STYLE, node)
      case YAML_SEQUENCE_START_EVENT:
        let start = event.data.sequence_start
        return .sequence(
          Node(mark: mark, anchor: Self.text(start.anchor), tag: start.implicit != 0 ? nil : Self.text(start.tag)))
      case YAML_MAPPING_START_EVENT:
        let start = event.data.mapping_start
        return .mapping(
          Node(mark: mark, anchor: Self.text(start.anchor), tag: start.implicit != 0 ? nil : Self.text(start.tag)))
      case YAML_SEQUENCE_END_EVENT, YAML_MAPPING_END_EVENT: return .end(mark)
      case YAML_DOCUMENT_START_EVENT: return .document(mark)
      case YAML_STREAM_END_EVENT, YAML_NO_EVENT: return .streamEnd
      default: continue
      }
    }
  }

  private var fault: Fault {
    let parser = parser.pointee
    let isEncoding = parser.error == YAML_READER_ERROR
    var mark = Self.mark(parser.problem_mark)
    if isEncoding { mark.offset = Int(parser.problem_offset) }
    return Fault(
      problem: parser.problem.map { String(cString: $0) } ?? "no memory is left", mark: mark,
      context: parser.context.map { String(cString: $0) }, contextMark: Self.mark(parser.context_mark),
      isEncoding: isEncoding)
  }

  private static func mark(_ mark: yaml_mark_t) -> Mark {
    Mark(line: Int(mark.line) + 1, column: Int(mark.column) + 1, offset: Int(mark.index))
  }

  private static func text(_ pointer: UnsafeMutablePointer<yaml_char_t>?) -> String? {
    pointer.map { String(cString: $0) }
  }
}
