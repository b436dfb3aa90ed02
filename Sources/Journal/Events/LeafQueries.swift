public import Fleet
import GRDB

extension JournalStore {
  /// Every leaf that was ever issued for a certificate, by sum and serial; with those of `shown` that were issued for any other, renamed or
  /// removed since.
  public func issuedLeaves(of spec: CertificateSpec, among shown: [String]) throws(JournalError) -> OwnLeaves {
    var sums: [String] = []
    for sum in shown where try owner(ofLeaf: sum) != nil { sums.append(sum) }
    var serials: [String] = []
    try read { database in
      let rows = try Row.fetchCursor(
        database.cachedStatement(
          sql: """
            SELECT json_extract(body, '$.issued.certificate.sha256'), json_extract(body, '$.issued.certificate.serial') \
            FROM mention JOIN event USING (sequence) \
            WHERE mention.kind = 'certificate' AND mention.id = CAST(? AS TEXT) AND event.kind = 'issued'
            """), arguments: [Cell.text(spec.id.rawValue).databaseValue])
      while let row = try rows.next() {
        var reader = RowReader(row, table: "event")
        sums.append(try reader.text())
        serials.append(try reader.text())
      }
    }
    return OwnLeaves(sha256: sums, serials: serials)
  }
}
