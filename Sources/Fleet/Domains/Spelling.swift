/// "Did you mean": the nearest of the words that would have been right.
enum Spelling {
  /// The nearest candidate, if it is near enough to be what was meant.
  static func nearest(to word: String, among candidates: some Sequence<String>) -> String? {
    allNearest(to: word, among: candidates).first
  }

  /// “did you mean …?” with one word or two that are equally near; nil where no word is near, or too many are, as
  /// `pair1` to `pair9` are to `pair0`.
  static func question(for word: String, among candidates: some Sequence<String>) -> String? {
    let nearest = allNearest(to: word, among: candidates)
    guard (1...2).contains(nearest.count) else { return nil }
    return "did you mean " + nearest.map { "“\($0)”" }.joined(separator: " or ") + "?"
  }

  /// A remedy that names the nearest candidate, else the candidates when they are few.
  static func remedy(for word: String, among candidates: [String], _ kind: String) -> String {
    if let question = question(for: word, among: candidates) { return question }
    switch candidates.count {
    case 0: return "the inventory has no \(kind) yet"
    case 1...12: return "known: " + candidates.joined(separator: ", ")
    default: return "write one of the inventory's \(kind)s"
    }
  }

  private static func allNearest(to word: String, among candidates: some Sequence<String>) -> [String] {
    let typed = Array(word.lowercased().unicodeScalars.prefix(64))
    guard !typed.isEmpty else { return [] }
    // A third of the letters may be wrong; at least one, so that short ids get help too.
    var limit = max(1, typed.count / 3)
    var nearest: [String] = []
    for candidate in candidates where !nearest.contains(candidate) {
      let other = Array(candidate.lowercased().unicodeScalars.prefix(64))
      guard abs(other.count - typed.count) <= limit else { continue }
      let distance = distance(typed, other)
      guard distance <= limit, distance < max(typed.count, other.count) else { continue }
      if distance < limit { nearest = [] }
      limit = distance
      nearest.append(candidate)
    }
    return nearest
  }

  /// Optimal string alignment: insertions, deletions, replacements and swapped neighbours, the four ways in which people mistype.
  private static func distance(_ left: [Unicode.Scalar], _ right: [Unicode.Scalar]) -> Int {
    var beforePrevious: [Int] = []
    var previous = Array(0...right.count)
    for i in left.indices {
      var row = [i + 1]
      for j in right.indices {
        var cost = min(previous[j + 1] + 1, row[j] + 1, previous[j] + (left[i] == right[j] ? 0 : 1))
        if i > 0, j > 0, left[i] == right[j - 1], left[i - 1] == right[j] {
          cost = min(cost, beforePrevious[j - 1] + 1)
        }
        row.append(cost)
      }
      (beforePrevious, previous) = (previous, row)
    }
    return previous[right.count]
  }
}
