import Fleet
import Foundation
import PKI
import Testing

@testable import Journal

@Suite struct OpeningTests {
  @Test func anEmptyJournalIsIntactAndFoldsToNothing() async throws {
    try await withDirectory { directory in
      let store = try open(directory)

      #expect(try store.fleetState() == FleetState())
      #expect(try store.verifyChain() == .intact(.empty))
      #expect(try store.refold().isEmpty)
    }
  }
}
