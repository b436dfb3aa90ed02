public import Fleet
import Foundation
import Journal
import Net
import PKI

/// One authority's account, for `account show`.
public struct AccountLine: Sendable, Encodable {
  /// The authority's id in the inventory.
  public var authority: AuthorityID
  /// Its directory.
  public var directory: String
  /// The account URL; nil before registration.
  public var url: String?
  /// The key's thumbprint (RFC 7638), which the static challenge rule holds.
  public var thumbprint: String
}

extension Workplace {
  /// The accounts; a key that does not exist yet is made, so that the challenge rule can be installed before the first order.
  public func accounts() throws(CommandFault) -> [AccountLine] {
    let state = try fleetState()
    var lines: [AccountLine] = []
    for authority in inventory.authorities {
      let key = try AccountKeys(state: inventory.state).key(of: authority)
      let known = state.accounts[authority.id]
      lines.append(
        AccountLine(
          authority: authority.id, directory: authority.directory,
          url: known?.thumbprint == key.thumbprint ? known?.url : nil, thumbprint: key.thumbprint))
    }
    return lines
  }

  /// Registers where there is no account yet, and anew where the CA no longer knows the one that the journal has.
  public func registerAccounts() async throws(CommandFault) -> [AccountLine] {
    let loop = CurlLoop()
    defer { loop.shutdown() }
    let recorder = Recorder(journal: journal, sweep: nil, clock: clock) { _ in }
    let desk = AuthorityDesk(
      inventory: inventory, http: HTTPClient(loop: loop), recorder: recorder, requests: requestDesk(), clock: clock)
    // Named at once, and by itself: a missing secret is no trouble of the CA.
    _ = try desk.externalAccount()
    let opened = try await journaled { () async throws(JournalError) in
      var ledger = Ledger(tables: limits, rows: try journal.buckets())
      return try await desk.open(FleetState(), isNeeded: true, ledger: &ledger)
    }
    if let failure = opened.failure {
      throw .couldNotRun("\(failure.kind.title): \(failure.detail). \(failure.kind.advice)")
    }
    return try accounts()
  }

  /// Who paces the requests to the default authority.
  func requestDesk() -> RequestDesk {
    let authority = inventory.authorities[0]
    return RequestDesk(authority, ceilings: limits[authority.id]?.ceilings ?? [:], clock: clock)
  }
}
