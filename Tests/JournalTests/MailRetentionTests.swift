import Fleet
import Foundation
import PKI
import Testing

@testable import Journal

@Suite struct MailRetentionTests {
  /// G6: whole mails stayed in the journal for ever. What waits is kept however long it waits.
  @Test func theTextOfAMailGoesAMonthAfterItWasSent() async throws {
    try await withDirectory { directory in
      let store = try open(directory)
      let day = { noon.addingTimeInterval($0 * 86_400) }
      func queue(_ at: Date) async throws -> Int64 {
        try await store.queueMail(
          subject: "report", message: Array("text".utf8), from: "a@b.example", to: ["c@d.example"], sweep: nil, at: at)
      }
      let waiting = try await queue(day(0))
      let old = try await queue(day(0))
      try await store.markSent(old, sweep: nil, at: day(1))
      let new = try await queue(day(32))

      try await store.markSent(new, sweep: nil, at: day(32))

      let kept = try sqlite(directory, "SELECT mail FROM message ORDER BY mail")
      #expect(String(decoding: kept, as: UTF8.self) == "\(waiting)\n\(new)\n")
      #expect(try store.pendingMailNumbers() == [waiting])
      #expect(try store.refold().isEmpty)
    }
  }
}
