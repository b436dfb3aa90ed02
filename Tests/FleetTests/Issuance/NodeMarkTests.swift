import Fleet
import Testing

@Suite struct NodeMarkTests {
  // C3: another controller and an older journal are each named for what they are.
  @Test func aMarkThatTheJournalDoesNotKnowSaysWhoseItIs() {
    let other = NodeMark(controller: "c2", position: 70, word: "w")
    let later = NodeMark(controller: "c1", position: 70, word: "w")

    #expect(other.refusal(own: "c1", head: 90).contains("controller c2"))
    #expect(later.refusal(own: "c1", head: 50).contains("ends at event 50"))
    #expect(later.refusal(own: "c1", head: 90).contains("does not know"))
    #expect(later.refusal(own: "c1", head: 90).contains("older journal"))
  }
}
