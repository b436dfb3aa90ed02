import Testing

@testable import Fleet

@Suite struct IdentifierTests {
  @Test func idsAreSafeAsFileNamesAndWords() {
    for id in ["a", "A1", "pair-1.b_c", String(repeating: "x", count: 64)] { #expect(Identifier.isValid(id)) }
    for id in ["", ".a", "-a", "_a", "a b", "a/b", "ä", "a\n", String(repeating: "x", count: 65)] {
      #expect(!Identifier.isValid(id))
    }
  }

  @Test func aDerivedLabelIsTheNameUnlessItIsTooLong() {
    #expect(Identifier.label(for: "shop.example") == "shop.example")
    #expect(Identifier.label(for: "*.shop.example") == "_wildcard.shop.example")
    let long = String(repeating: "a", count: 60) + ".shop.example"
    #expect(Identifier.label(for: long).utf8.count == 64)
    #expect(Identifier.isValid(Identifier.label(for: long)))
    #expect(Identifier.label(for: long) != Identifier.label(for: "b" + long.dropFirst()))
    // The hash stands in live file names: it must never change.
    #expect(Identifier.label(for: long) == "c739365184b54b09." + String(long.suffix(47)))
  }

  @Test func aLabelOnAnotherVIPIsNobodysDerivedLabel() {
    #expect(Identifier.label("shop.example", on: VIPID("api")) == "shop.example_api")
    let long = String(repeating: "a", count: 60) + ".example"
    #expect(Identifier.isValid(Identifier.label(long, on: VIPID("api"))))
  }

  @Test func theNearestWordIsTheOneThatWasMeant() {
    #expect(Spelling.nearest(to: "ndoes", among: ["nodes", "vips", "id"]) == "nodes")
    #expect(Spelling.nearest(to: "CUSTOMER", among: ["customer", "customers"]) == "customer")
    #expect(Spelling.nearest(to: "xyz", among: ["nodes", "vips"]) == nil)
    #expect(Spelling.question(for: "pair0", among: (1...9).map { "pair\($0)" }) == nil)
    #expect(Spelling.question(for: "caz", among: ["cat", "car", "dog"]) == "did you mean “cat” or “car”?")
    #expect(Spelling.nearest(to: String(repeating: "x", count: 100_000), among: ["nodes"]) == nil)
  }
}
