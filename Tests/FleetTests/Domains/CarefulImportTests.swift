import Testing

@testable import Fleet

/// B8: one faulty row must not stop what all others want, and must change nothing that it may be about.
@Suite struct CarefulImportTests {
  private func careful(_ text: String, into state: [CertificateSpec]) -> CarefulImport {
    CarefulImport(importing: Lists.read(text), into: state)
  }

  @Test func rowsWithoutFaultsAreTakenOverBesideAFaultyOne() {
    let state = Lists.read("a.example,pair1\nb.example,pair1\n").specs

    let result = careful("a.example,pair9\nb.example,pair1\nc.example,pair1\n", into: state)

    #expect(result.difference.added.map(\.names.first) == ["c.example"])
    #expect(result.difference.proposedRemovals == [])
    #expect(result.difference.moved == [])
    #expect(result.difference.changed == [])
  }

  @Test func aCertificateKeepsANameWhoseRowIsFaulty() {
    let state = Lists.read("a.example,pair1,,,shop\nb.example,pair1,,,shop\n").specs

    let result = careful("a.example,pair1,,,shop\nb.example,pair9,,,shop\n", into: state)

    #expect(result.difference.isNoOp)
    #expect(result.waitingCount == 1)
  }

  @Test func aRowThatCannotBeReadTakesNoNameAway() {
    let state = Lists.read("a.example,pair1,,,shop\nb.example,pair1,,,shop\n").specs

    let result = careful("a.example,pair1,,,shop\n\"b.example,pair1,,,shop\n", into: state)

    #expect(result.difference.isNoOp)
    #expect(result.difference.proposedRemovals == [])
  }

  @Test func aListWhoseColumnsAreNotKnownIsNotTakenOver() {
    let text = "domain,pair,custmer\na.example,pair1,acme\n"
    let source = DomainSource(name: "/list.csv", path: "/list.csv", bytes: Array(text.utf8))
    let list = DomainListReader.read([source], inventory: Lists.inventory, names: Lists.names).list

    let result = CarefulImport(importing: list, into: [])

    #expect(result.difference.isNoOp)
    #expect(result.waitingCount == 1)
  }

  @Test func ofTwoClaimsToANameNeitherIsTakenOver() {
    let result = careful("a.example,shared,,acme\na.example,pair4,,bluebird\nb.example,pair1\n", into: [])

    #expect(result.difference.added.map(\.names.first) == ["b.example"])
  }

  @Test func aClaimToANameWhoseOwnersRowIsFaultyWaits() {
    let state = Lists.read("a.example,shared,,acme\n").specs

    let result = careful("a.example,shared,nowhere,acme\nwww.a.example,shared,,bluebird\n", into: state)

    #expect(result.difference.isNoOp)
  }

  @Test func withoutFaultsItIsTheUsualDifference() {
    let state = Lists.read("a.example,pair1\nb.example,pair1\n").specs
    let list = Lists.read("a.example,pair4\nc.example,pair1\n")

    let result = CarefulImport(importing: list, into: state)

    #expect(result.difference == ImportDifference(importing: list, into: state))
    #expect(result.faults == [])
    #expect(result.waitingCount == 0)
  }
}
