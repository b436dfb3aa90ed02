import Fleet
import Foundation
import Testing

/// B2, B12: what should be is compared with what is seen, and each difference has a name.
@Suite struct DriftClassifierTests {
  private let now = SmallFleet.noon
  private let ours = SeenLeaf(sha256: "new", sha1: "n1", serial: "0B", notAfter: SmallFleet.noon + 80 * 86_400)
  private let earlier = SeenLeaf(sha256: "old", serial: "0A", notAfter: SmallFleet.noon + 40 * 86_400)
  private let stranger = SeenLeaf(sha256: "else", serial: "FF", notAfter: SmallFleet.noon + 40 * 86_400)

  private var standard: DriftClassifier.Standard {
    DriftClassifier.Standard(
      expected: ExpectedLeaf(leaf: ours, notAfter: now + 80 * 86_400),
      own: OwnLeaves(sha256: ["old", "new"], serials: ["0a", "0b"]))
  }

  private func kind(
    _ disk: NodeSighting.Disk, _ listing: NodeSighting.Listing = .named, memory: NodeSighting.Memory? = nil,
    wire: NodeSighting.Wire? = nil
  ) -> Drift.Kind? {
    let seen = NodeSighting(disk: disk, listing: listing, memory: memory ?? .leaf(ours), wire: wire ?? .leaf(ours))
    return DriftClassifier.drift(seen, standard, at: now)?.kind
  }

  @Test func whatIsRightEverywhereIsNoDrift() {
    #expect(kind(.leaf(ours)) == nil)
  }

  @Test func whatCouldNotBeLookedAtIsNoDrift() {
    let seen = NodeSighting(wire: .unclear("timed out"))

    #expect(DriftClassifier.drift(seen, standard, at: now) == nil)
    #expect(DriftClassifier.drift(NodeSighting(wire: .dead("refused")), standard, at: now) == nil)
  }

  @Test func aStrangersFileIsReplacedAlsoBeforeTheReloadThatTakesItUp() {
    #expect(kind(.leaf(stranger)) == .replaced)
    #expect(kind(.leaf(.unreadable)) == .replaced)
  }

  @Test func aStrangersFileUnderAnotherControllersMarkIsThatControllers() {
    var other = standard
    other.otherController = "written by controller c2"

    let drift = DriftClassifier.drift(NodeSighting(disk: .leaf(stranger)), other, at: now)

    #expect(drift?.kind == .otherController)
  }

  @Test func anEarlierLeafOfOursIsReverted() {
    #expect(kind(.leaf(earlier), memory: .leaf(earlier), wire: .leaf(earlier)) == .reverted)
    #expect(kind(.leaf(ours), memory: .leaf(SeenLeaf(sha1: "o1", serial: "0A"))) == .reverted)
  }

  @Test func anEarlierLeafPastItsDangerLineIsExpiringAlthoughRenewed() {
    var ending = earlier
    ending.notAfter = now + 3 * 86_400

    #expect(kind(.leaf(ending)) == .expiring)
  }

  @Test func aFileThatIsGoneIsMissingOrOnlyInMemory() {
    #expect(kind(.nothing) == .notOnDisk)
    #expect(kind(.nothing, memory: .nothing, wire: .leaf(stranger)) == .missing)
    #expect(kind(.nothing, memory: .notAsked, wire: .nothing("alert")) == .missing)
  }

  @Test func aLineThatIsGoneIsSeenWhateverMemorySays() {
    // B1: "in memory now" is not "there after a restart".
    #expect(kind(.leaf(ours), .missing) == .notListed)
    #expect(kind(.leaf(ours), .missing, memory: .nothing, wire: .leaf(stranger)) == .notListed)
  }

  @Test func aFileThatTheProcessDoesNotHoldIsNotLoaded() {
    #expect(kind(.leaf(ours), memory: .nothing) == .notLoaded)
    #expect(kind(.leaf(ours), memory: .unused(ours)) == .notLoaded)
    #expect(kind(.leaf(ours), memory: .notAsked, wire: .nothing("alert")) == .notLoaded)
  }

  @Test func anotherFileInFrontOfOursShadowsIt() {
    #expect(kind(.leaf(ours), wire: .leaf(stranger)) == .shadowed)
    #expect(kind(.leaf(ours), memory: .notAsked, wire: .leaf(stranger)) == .shadowed)
    #expect(kind(.leaf(ours), memory: .notAsked, wire: .leaf(earlier)) == .reverted)
  }

  @Test func theVIPHasTheClassOfTheNodeThatHoldsIt() {
    let missing = Drift(.missing, "there is no file")

    #expect(DriftClassifier.drift(atVIP: .leaf(stranger), standard, active: missing, at: now)?.kind == .missing)
    #expect(DriftClassifier.drift(atVIP: .leaf(stranger), standard, active: nil, at: now)?.kind == .shadowed)
    #expect(DriftClassifier.drift(atVIP: .leaf(ours), standard, active: missing, at: now) == nil)
    #expect(DriftClassifier.drift(atVIP: .unclear("silent"), standard, active: missing, at: now) == nil)
  }

  @Test func serialsAreComparedWithoutCaseAndLeadingZeros() {
    #expect(SeenLeaf(serial: "00ab").isSame(as: SeenLeaf(serial: "AB")))
  }
}
