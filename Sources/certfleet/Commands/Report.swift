import ArgumentParser
import Controller
import Fleet
import Foundation

/// `certfleet report`.
struct Report: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Progress reports per customer: done, due, failing and why; nothing of other customers.")

  enum Format: String, ExpressibleByArgument, CaseIterable {
    case text, html, csv, json
  }

  @Option(help: "The customer.") var customer: String?
  @Flag(help: "Every customer.") var all = false
  @Option(help: "text, html, csv or json.") var format: Format = .text
  @Option(help: "Write to this file, or into this folder with --all.", completion: .file()) var out: String?
  @Flag(help: "Mail to the customer's addresses, and send reports that still wait for a mail server.") var send = false
  @OptionGroup(title: "Global options") var options: GlobalOptions

  func run() async throws {
    let workplace = try options.workplace(readOnly: !send)
    if customer == nil, !all {
      guard send else { throw CommandFault.badInput("report takes --customer ID or --all") }
      return Terminal.show(try await workplace.sendPendingMail().text)
    }
    let reports = try workplace.customerReports(customer: customer)
    for report in reports {
      let text = try rendered(report)
      if let out {
        let path = all ? out + "/\(report.customer).\(format == .text ? "txt" : format.rawValue)" : out
        try Files.write(text, to: path)
        if !options.quiet { Terminal.say("wrote \(path)") }
      } else if !send {
        Terminal.show(text)
      }
    }
    if send { Terminal.show(try await workplace.mail(reports).text) }
  }

  private func rendered(_ report: CustomerReport) throws -> String {
    switch options.json ? .json : format {
    case .text: return CustomerReportText.render(report)
    case .html: return CustomerReportText.html(report)
    case .csv: return ReportCSV.render(report.rows, isForCustomer: true)
    case .json:
      let encoder = JSONEncoder()
      encoder.dateEncodingStrategy = .iso8601
      encoder.outputFormatting = [.prettyPrinted, .sortedKeys, .withoutEscapingSlashes]
      return Printable.json(String(decoding: try encoder.encode(report), as: UTF8.self)) + "\n"
    }
  }
}
