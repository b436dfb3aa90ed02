private import CPSL
import Foundation

/// The public suffix list, by libpsl.
///
/// Read once, never changed: libpsl's queries take a `const` context and keep no state.
final class SuffixList: @unchecked Sendable {  // immutable once loaded; libpsl's queries are reentrant
  private let context: OpaquePointer
  let age: (path: String, modified: Date)?

  init(path: String?) throws(NameFault) {
    // Debian's libpsl knows where the package publicsuffix keeps its file, and has a copy compiled in for when that is missing.
    let path = path ?? String(cString: psl_dist_filename())
    // A FIFO would be read for ever.
    var status = stat()
    guard stat(path, &status) != 0 || status.st_mode & S_IFMT == S_IFREG else { throw .listUnreadable(path: path) }
    if let loaded = psl_load_file(path) {
      context = loaded
      age = Self.date(of: path).map { (path, $0) }
    } else if path == String(cString: psl_dist_filename()), let builtin = psl_builtin() {
      context = builtin
      age = ("compiled into libpsl", Date(timeIntervalSince1970: TimeInterval(psl_builtin_file_time())))
    } else {
      throw .listUnreadable(path: path)
    }
    // libpsl reads any text as a list; a file without one rule is no list.
    guard psl_suffix_count(context) != 0, contains("com") else {
      throw .listUnreadable(path: path)  // `deinit` frees: the object is complete by now.
    }
  }

  deinit { psl_free(context) }

  /// How many rules it has, where that is known.
  var count: Int? {
    let count = psl_suffix_count(context)
    return count > 0 ? Int(count) : nil
  }

  /// ICANN and private rules count, the implied rule `*` does not.
  func contains(_ name: String) -> Bool {
    psl_is_public_suffix2(context, name, PSL_TYPE_ANY | PSL_TYPE_NO_STAR_RULE) != 0
  }

  /// Lists since 2024 say `// VERSION: 2024-08-01_…`, which a copied file keeps while its own date becomes new.
  private static func date(of path: String) -> Date? {
    var status = stat()
    guard stat(path, &status) == 0 else { return nil }
    let modified = Date(timeIntervalSince1970: TimeInterval(status.st_mtim.tv_sec))
    guard let file = FileHandle(forReadingAtPath: path) else { return modified }
    defer { file.closeFile() }
    let head = String(decoding: file.readData(ofLength: 4_096), as: UTF8.self)
    guard let line = head.split(separator: "\n").first(where: { $0.hasPrefix("// VERSION: ") }) else { return modified }
    let day = line.dropFirst("// VERSION: ".count).prefix(10).split(separator: "-").compactMap { Int32($0) }
    guard day.count == 3 else { return modified }
    var parts = tm()
    parts.tm_year = day[0] - 1_900
    parts.tm_mon = day[1] - 1
    parts.tm_mday = day[2]
    return Date(timeIntervalSince1970: TimeInterval(timegm(&parts)))
  }
}
