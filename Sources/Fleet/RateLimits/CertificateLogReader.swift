import Foundation

/// Reads a CSV of certificates as CT logs export them: crt.sh's columns, of which a list of names and a date are needed.
///
/// | column | what it is read for |
/// |---|---|
/// | `name_value`, `dns_names` or `names` | all names of the certificate, one a line or with commas or blanks between |
/// | `entry_timestamp` | when the log got it: the moment of issue |
/// | `not_before` | else this and an hour, by which CAs set it back |
/// | `serial_number` | a certificate and its precertificate are one |
/// | `issuer_name` | rows of other CAs are left out |
public enum CertificateLogReader {
  /// What came of a reading.
  public struct Reading: Sendable, Equatable {
    /// The certificates of the wanted issuer, each once.
    public var certificates: [LoggedCertificate] = []
    /// Rows of other CAs.
    public var foreign = 0
    /// What is wrong with rows.
    public var diagnostics: [Diagnostic] = []
  }

  private static let nameColumns = ["name_value", "dns_names", "names"]
  private static let known = nameColumns + ["entry_timestamp", "not_before", "serial_number", "issuer_name"]

  /// - Parameter issuer: a part of the issuer's name, such as `Let's Encrypt`; nil takes all.
  public static func read(_ bytes: [UInt8], name: String, issuer: String?, names rules: NameRules) -> Reading {
    let source = SourceText(name: name, bytes: bytes)
    var reading = Reading()
    var reader = CSVReader(bytes)
    var columns: [String: Int]?
    var seen: Set<String> = []
    func complain(_ offset: Int, _ message: String, _ remedy: String) {
      let place = source.location(ofByte: offset)
      reading.diagnostics.append(
        Diagnostic(.error, at: place, message, remedy: remedy, excerpt: source.excerpt(at: place)))
    }
    while let item = reader.next() {
      switch item {
      case .fault(let fault): complain(fault.offset, fault.message, fault.remedy)
      case .row(let fields):
        guard let columns else {
          let heads = header(fields)
          guard nameColumns.contains(where: { heads[$0] != nil }),
            heads["entry_timestamp"] != nil || heads["not_before"] != nil
          else {
            complain(
              fields[0].offset, "no header with name_value and entry_timestamp or not_before",
              "export the columns of crt.sh: \(known.joined(separator: ", "))")
            return reading
          }
          columns = heads
          continue
        }
        func cell(_ column: String) -> String? {
          columns[column].flatMap { $0 < fields.count && !fields[$0].text.isEmpty ? fields[$0].text : nil }
        }
        if let issuer, let written = cell("issuer_name"), !written.localizedStandardContains(issuer) {
          reading.foreign += 1
          continue
        }
        if let serial = cell("serial_number"), !seen.insert(serial.lowercased()).inserted { continue }
        guard let at = moment(cell("entry_timestamp"), cell("not_before")) else {
          complain(fields[0].offset, "a row without a date that can be read", "write dates as 2026-08-02T10:00:00")
          continue
        }
        guard let certificate = certificate(nameColumns.lazy.compactMap(cell).first ?? "", at, rules) else {
          complain(fields[0].offset, "a row without a name that can be read", "the CT log's name_value is needed")
          continue
        }
        reading.certificates.append(certificate)
      }
    }
    return reading
  }

  private static func header(_ fields: [CSVReader.Field]) -> [String: Int] {
    let heads = fields.enumerated().map { index, field in
      (field.text.lowercased().replacingOccurrences(of: " ", with: "_"), index)
    }
    return Dictionary(heads) { first, _ in first }.filter { known.contains($0.key) }
  }

  private static func certificate(_ text: String, _ at: Date, _ rules: NameRules) -> LoggedCertificate? {
    var names: Set<String> = []
    var domains: Set<String> = []
    for part in text.split(whereSeparator: { $0.isWhitespace || $0 == "," || $0 == ";" }) {
      let plain = part.hasPrefix("*.") ? part.dropFirst(2) : part
      // crt.sh lists mail addresses of other kinds of certificate in the same column.
      guard !plain.contains("@"), let label = aLabel(String(plain), rules) else { continue }
      names.insert(part.hasPrefix("*.") ? "*." + label : label)
      domains.insert(rules.registeredDomain(label) ?? label)
    }
    return NameSet(names).map { LoggedCertificate(names: $0, registeredDomains: domains.sorted(), at: at) }
  }

  private static func aLabel(_ text: String, _ rules: NameRules) -> String? {
    do throws(NameRules.Fault) { return try rules.aLabel(text) } catch { return nil }
  }

  /// ISO 8601 with `T` or a blank, with or without fractions and zone; crt.sh means UTC.
  private static func moment(_ entry: String?, _ notBefore: String?) -> Date? {
    if let date = entry.flatMap(date) { return date }
    return notBefore.flatMap(date)?.addingTimeInterval(3_600)
  }

  private static func date(_ text: String) -> Date? {
    guard let match = text.firstMatch(of: /^(\d{4})-(\d\d)-(\d\d)(?:[T ](\d\d):(\d\d):(\d\d))?/) else { return nil }
    var parts = DateComponents()
    (parts.year, parts.month, parts.day) = (Int(match.1), Int(match.2), Int(match.3))
    // A bare day: its end, the latest that it can mean.
    parts.hour = match.4.flatMap { Int($0) } ?? 23
    parts.minute = match.5.flatMap { Int($0) } ?? 59
    parts.second = match.6.flatMap { Int($0) } ?? 59
    var calendar = Calendar(identifier: .gregorian)
    calendar.timeZone = .gmt
    return calendar.date(from: parts)
  }
}
