import Testing

@testable import ACME

@Suite struct NoncePoolTests {
  @Test func theNewestNonceGoesFirstAndEachOnlyOnce() async {
    let pool = NoncePool()
    let now = ContinuousClock.now
    await pool.put("one", at: now)
    await pool.put("two", at: now)

    #expect(await pool.take(at: now) == "two")
    #expect(await pool.take(at: now) == "one")
    #expect(await pool.take(at: now) == nil)
  }

  @Test func anOldNonceIsNotUsed() async {
    let pool = NoncePool()
    let now = ContinuousClock.now
    await pool.put("old", at: now)
    await pool.put("older than it looks", at: now)

    #expect(await pool.take(at: now + .seconds(181)) == nil)
    #expect(await pool.count == 0)
  }

  @Test(arguments: ["", "a b", "a+b", "a=", "ä", "a\r\nX: y", String(repeating: "a", count: 513)])
  func whatIsNoNonceIsIgnored(text: String) async {
    let pool = NoncePool()

    await pool.put(text, at: .now)
    await pool.put(nil, at: .now)

    #expect(await pool.count == 0)
  }

  @Test func thePoolIsBounded() async {
    let pool = NoncePool()
    let now = ContinuousClock.now

    for number in 0..<1_000 { await pool.put("n\(number)", at: now) }

    #expect(await pool.count == NoncePool.capacity)
    #expect(await pool.take(at: now) == "n999")
  }
}
