import Foundation
import Testing

@testable import Fleet

@Suite struct NewAccountTests {
  @Test func tenAccountsOfAnAddressAreTheEndOfIt() {
    var ledger = ledger()
    for _ in 0..<10 {
      #expect(ledger.decideAccount(letsEncrypt, overIPv6: false, at: after(1)) == .now)
      _ = ledger.accountRequested(letsEncrypt, overIPv6: false, at: noon)
    }

    // One every 18 minutes, and the second that events are rounded by.
    let key = BucketKey.newAccounts(.newRegistrationsPerIPAddress, letsEncrypt)
    #expect(ledger.decideAccount(letsEncrypt, overIPv6: false, at: noon) == .wait(until: after(1_081), key))
  }

  @Test func overIPv6TheRangeCountsToo() {
    var ledger = ledger()

    let rows = ledger.accountRequested(letsEncrypt, overIPv6: true, at: noon)

    #expect(rows.map(\.limit) == [.newRegistrationsPerIPAddress, .newRegistrationsPerIPv6Range])
  }

  @Test func aCAWithoutLimitsIsAskedAtOnce() {
    var ledger = ledger(.none)

    #expect(ledger.accountRequested(letsEncrypt, overIPv6: true, at: noon).isEmpty)
    #expect(ledger.decideAccount(letsEncrypt, overIPv6: true, at: noon) == .now)
  }
}
