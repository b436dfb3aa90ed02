import Foundation

/// Every certificate as one CSV row: attached to the mail, and what `report --format csv` prints.
public enum ReportCSV {
  /// RFC 4180 with a header; cells that a spreadsheet would take for a formula are prefixed.
  public static func render(_ rows: [CertificateRow], isForCustomer: Bool = false) -> String {
    var head = [
      "names", "customer", "standing", "cause", "advice", "detail", "failing_since", "next_try", "served_until", "due",
    ]
    if !isForCustomer { head += ["pair", "vip", "certificate", "proof"] }
    head += ["service", "work"]
    var lines = [head.joined(separator: ",")]
    for row in rows {
      var cells = [
        row.names.joined(separator: " "), row.customer?.rawValue ?? "", row.standing.rawValue,
        row.cause?.kind.title ?? "",
        row.cause.map { isForCustomer ? CustomerReport.advice($0.kind) : $0.kind.advice } ?? "",
        row.cause?.detail ?? "",
        row.failingSince.map(Wording.minute) ?? "", row.nextTry.map(Wording.minute) ?? "",
        row.servedNotAfter.map(Wording.minute) ?? "", row.dueAt.map(Wording.minute) ?? "",
      ]
      if !isForCustomer {
        let proofs = row.proofs.sorted { $0.key < $1.key }.map { "\($0.key)=\($0.value.level.rawValue)" }
        cells += [row.pair.rawValue, row.vip.rawValue, row.spec.rawValue, proofs.joined(separator: " ")]
      }
      cells += [row.service.rawValue, row.work.rawValue]
      // Shown first, for a CSV is read in terminals as well as in spreadsheets.
      lines.append(cells.map { Printable.csvCell(Printable.terminal($0)) }.joined(separator: ","))
    }
    return lines.joined(separator: "\r\n") + "\r\n"
  }
}
