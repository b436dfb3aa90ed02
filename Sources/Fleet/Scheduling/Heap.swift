/// A binary heap whose first element is the smallest. Entries are never moved from outside: an outdated one is recognised by its stamp
/// and thrown away when it comes up, which costs less than keeping positions. When a heap has doubled since it was last cleaned it is
/// *crowded*, and its owner keeps only what lives: a run lasts for days, and looks at everything again twice a minute.
struct Heap<Element: Comparable & Sendable>: Sendable {
  private var elements: [Element] = []
  private var crowd = 8

  var first: Element? { elements.first }
  var isEmpty: Bool { elements.isEmpty }
  var count: Int { elements.count }
  var isCrowded: Bool { elements.count >= crowd }

  mutating func push(_ element: Element) {
    elements.append(element)
    var child = elements.count - 1
    while child > 0 {
      let parent = (child - 1) / 2
      guard elements[child] < elements[parent] else { break }
      elements.swapAt(child, parent)
      child = parent
    }
  }

  @discardableResult
  mutating func pop() -> Element? {
    guard let last = elements.popLast() else { return nil }
    guard let top = elements.first else { return last }
    elements[0] = last
    sink(0)
    return top
  }

  /// Throws away what does not live any more.
  mutating func keep(_ lives: (Element) -> Bool) {
    elements.removeAll { !lives($0) }
    for parent in stride(from: elements.count / 2 - 1, through: 0, by: -1) { sink(parent) }
    crowd = max(8, 2 * elements.count)
  }

  private mutating func sink(_ start: Int) {
    var parent = start
    while true {
      let left = 2 * parent + 1
      guard left < elements.count else { break }
      let right = left + 1
      let child = right < elements.count && elements[right] < elements[left] ? right : left
      guard elements[child] < elements[parent] else { break }
      elements.swapAt(child, parent)
      parent = child
    }
  }
}
