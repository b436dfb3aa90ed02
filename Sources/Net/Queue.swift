/// First in, first out. An array that is cut at the front now and then: cutting it for each element would cost as much
/// as the work when thousands wait.
struct Queue<Element> {
  private var elements: [Element] = []
  private var first = 0

  var isEmpty: Bool { first == elements.count }

  mutating func append(_ element: Element) { elements.append(element) }

  /// Takes the element that has waited longest.
  mutating func next() -> Element? {
    guard first < elements.count else { return nil }
    defer {
      first += 1
      if first > 1024 || first == elements.count {
        elements.removeFirst(first)
        first = 0
      }
    }
    return elements[first]
  }

  /// Takes out every element of which this is true, in order.
  mutating func remove(where isWanted: (Element) -> Bool) -> [Element] {
    let left = elements[first...]
    guard left.contains(where: isWanted) else { return [] }
    defer {
      elements = left.filter { !isWanted($0) }
      first = 0
    }
    return left.filter(isWanted)
  }
}
