import Foundation

@testable import Fleet

/// The limits as Let's Encrypt documents them, machine-readable, with vectors computed by Boulder's own formula.
struct LimitFixture: Decodable {
  var vectors: [Vector]

  enum CodingKeys: String, CodingKey {
    case vectors = "gcra_vectors"
  }

  struct Vector: Decodable, CustomStringConvertible {
    var limit: Limit
    var steps: [Step]
    var description: String { limit.rawValue }
  }

  /// At `time`, ask `asked` times; so many are allowed, and the next would have to wait so long.
  struct Step: Decodable {
    var time: Double
    var asked: Int
    var allowed: Int
    var retryIn: Double?

    enum CodingKeys: String, CodingKey {
      case time = "t"
      case asked = "n"
      case allowed = "allow"
      case retryIn = "retry_in_s"
    }
  }

  static func data() throws -> Data {
    try Data(contentsOf: URL(filePath: #filePath).deletingLastPathComponent().appending(path: "limits.json"))
  }

  static func load() throws -> LimitFixture { try JSONDecoder().decode(LimitFixture.self, from: data()) }
}

/// Noon of a day in 2026, for literal `now`s.
let noon = Date(timeIntervalSince1970: 1_790_000_000)
let letsEncrypt = AuthorityID("letsencrypt")

func after(_ seconds: Double) -> Date { noon.addingTimeInterval(seconds) }

/// An order for these names, whose registered domains are the last two labels.
func order(_ names: String..., exemption: PlannedOrder.Exemption = .none) throws -> PlannedOrder {
  let domains = Set(names.map { $0.split(separator: ".").suffix(2).joined(separator: ".") }).sorted()
  guard let set = NameSet(names) else { throw LimitTableFault("no names") }
  return PlannedOrder(authority: letsEncrypt, names: set, registeredDomains: domains, exemption: exemption)
}

func ledger(_ table: LimitTable = .letsEncrypt, reserve: Reserve = .nothing) -> Ledger {
  Ledger(tables: [letsEncrypt: table], reserve: reserve)
}

extension Ledger {
  /// Somebody else got a certificate at this moment.
  mutating func observed(
    _ names: NameSet, registeredDomains: [String], at moment: Date, _ authority: AuthorityID
  ) -> [BucketRow] {
    let keys = registeredDomains.map { BucketKey.domain($0, authority) } + [.exactSet(names, authority)]
    for key in keys { spend(key, at: moment.microseconds) }
    return changed(keys)
  }
}
