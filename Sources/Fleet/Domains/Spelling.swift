/// "Did you mean": the nearest of the words that would have been right.
enum Spelling {
  /// The nearest candidate, if it is near enough to be what was meant.
  static func nearest(to word: String, among candidates: some Sequence<String>) -> String? {
    let typed = Array(word.lowercased().unicodeScalars.prefix(64))
    guard !typed.isEmpty else { return nil }
    // A third of the letters may be wrong; at least one, so that short ids get help too.
    let limit = max(1, typed.count / 3)
    var best: (distance: Int, word: String)?
    for candidate in candidates {
      let other = Array(candidate.lowercased().unicodeScalars.prefix(64))
      guard abs(other.count - typed.count) <= limit else { continue }
      let distance = distance(typed, other)
      guard distance <= limit, distance < max(typed.count, other.count) else { continue }
      if best.map({ (distance, candidate) < ($0.distance, $0.word) }) ?? true { best = (distance, candidate) }
    }
    return best?.word
  }

  /// A remedy that names the nearest candidate, else the candidates when they are few.
  static func remedy(for word: String, among candidates: [String], _ kind: String) -> String {
    if let nearest = nearest(to: word, among: candidates) { return "did you mean “\(nearest)”?" }
    switch candidates.count {
    case 0: return "the inventory has no \(kind) yet"
    case 1...12: return "known: " + candidates.joined(separator: ", ")
    default: return "write one of the inventory's \(kind)s"
    }
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
