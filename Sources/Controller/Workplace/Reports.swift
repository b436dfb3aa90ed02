public import Fleet
import Foundation
import Journal

/// What became of mails, for the terminal.
public struct MailResult: Sendable {
  /// One line for a person.
  public let text: String
}

extension Workplace {
  /// The progress of one customer, or of all.
  public func customerReports(customer: String?) throws(CommandFault) -> [CustomerReport] {
    if let customer { try know(customer: customer) }
    let state = try fleetState()
    guard !inventory.customers.isEmpty else {
      throw .badInput("the inventory has no `customers:`, so there is no report of one; see certfleet status")
    }
    let now = clock.now
    let held = try heldBack(state)
    let finishes = try finishes(of: state, at: now).customers
    return inventory.customers.filter { customer == nil || $0.id.rawValue == customer }.map {
      var report = CustomerReport($0, state: state, inventory: inventory, held: held, at: now)
      report.finish = finishes[$0.id]?.last
      return report
    }
  }

  /// What is held back by what was seen last.
  func heldBack(_ state: FleetState) throws(CommandFault) -> HeldBack {
    let findings = try journaled(try journal.findings())
    return HeldBack(
      findings, of: state.certificates.values, insisted: try journaled(try journal.insisted()), at: clock.now)
  }

  /// Mails reports to their customers' addresses, and whatever else waits in the outbox.
  public func mail(_ reports: [CustomerReport]) async throws(CommandFault) -> MailResult {
    let desk = try mailDesk()
    let addresses = Dictionary(uniqueKeysWithValues: inventory.customers.map { ($0.id, $0.mail) })
    var without: [String] = []
    for report in reports {
      guard let recipients = addresses[report.customer], !recipients.isEmpty else {
        without.append(report.customer.rawValue)
        continue
      }
      try await desk.queue(desk.message(report, to: recipients), sweep: nil)
    }
    let note = without.isEmpty ? "" : "\nno `mail:` in the inventory for \(without.joined(separator: ", "))"
    return try await journaled { () async throws(JournalError) in
      MailResult(text: try await desk.deliver(sweep: nil).text + note)
    }
  }

  /// Hands on what a mail server did not take earlier.
  public func sendPendingMail() async throws(CommandFault) -> MailResult {
    let desk = try mailDesk()
    return try await journaled { () async throws(JournalError) in
      MailResult(text: try await desk.deliver(sweep: nil).text)
    }
  }

  private func mailDesk() throws(CommandFault) -> MailDesk {
    guard let settings = inventory.mail else {
      throw .badInput("the inventory has no `mail:` section; it says where reports go")
    }
    return MailDesk(journal: journal, settings: settings, clock: clock)
  }
}
