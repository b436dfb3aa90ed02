public import Foundation

/// What is wrong with a file of limits.
public struct LimitTableFault: Error, Sendable, Equatable, CustomStringConvertible {
  /// One sentence for a person.
  public let description: String

  init(_ description: String) { self.description = description }
}

extension LimitTable {
  /// Reads a file of limits, JSON:
  ///
  /// ```json
  /// {
  ///   "limits": [
  ///     {"name": "NewOrdersPerAccount", "burst": 300, "count": 300, "period_s": 10800},
  ///     {"name": "CertificatesPerDomain", "production": {"burst": 50, "count": 50, "period_s": 604800}}
  ///   ],
  ///   "overrides": {
  ///     "account": {"NewOrdersPerAccount": {"burst": 1000, "count": 1000, "period_s": 604800}},
  ///     "domains": {"example.com": {"burst": 300, "count": 300, "period_s": 604800}}
  ///   },
  ///   "endpoint_limits_per_ip": {"production": {"/acme/new-nonce": {"rps": 20, "burst": 10}}}
  /// }
  /// ```
  ///
  /// Numbers stand in the row itself or under the environment's name. `overrides.account` replaces a limit for our account: a raised
  /// `CertificatesPerDomain` there gives every domain its own bucket of that size. Limits that are left out do not exist.
  public init(json data: Data, environment: String = "production") throws(LimitTableFault) {
    let file: File
    do {
      file = try JSONDecoder().decode(File.self, from: data)
    } catch {
      throw LimitTableFault("not a file of limits: \(Self.words(for: error))")
    }
    self.init(quotas: [:])
    for row in file.limits {
      let limit = try Self.limit(row.name)
      guard let span = row.spans[environment] ?? row.plain else {
        throw LimitTableFault("\(row.name) has no burst, count and period_s for \(environment)")
      }
      quotas[limit] = try span.quota(row.name)
    }
    for (name, span) in file.overrides?.account ?? [:] { quotas[try Self.limit(name)] = try span.quota(name) }
    for (domain, span) in file.overrides?.domains ?? [:] {
      domainOverrides[domain.lowercased()] = try span.quota("the override of \(domain)")
    }
    for (path, ceiling) in file.ceilings[environment] ?? [:] {
      guard let endpoint = Endpoint(rawValue: path) else {
        let known = Endpoint.allCases.map(\.rawValue).joined(separator: ", ")
        throw LimitTableFault("unknown endpoint \(path); known: \(known)")
      }
      guard ceiling.perSecond > 0, ceiling.burst > 0 else {
        throw LimitTableFault("\(path): rps and burst must be positive")
      }
      ceilings[endpoint] = ceiling
    }
  }

  private static func limit(_ name: String) throws(LimitTableFault) -> Limit {
    guard let limit = Limit(rawValue: name) else {
      throw LimitTableFault("unknown limit \(name); known: \(Limit.allCases.map(\.rawValue).joined(separator: ", "))")
    }
    return limit
  }

  private static func words(for error: any Error) -> String {
    guard let error = error as? DecodingError else { return "it cannot be read" }
    func place(_ context: DecodingError.Context) -> String {
      let path = context.codingPath.map(\.stringValue).joined(separator: ".")
      return path.isEmpty ? "at the top" : "at \(path)"
    }
    switch error {
    case .keyNotFound(let key, let context): return "\(key.stringValue) is missing \(place(context))"
    case .typeMismatch(_, let context), .valueNotFound(_, let context): return "wrong kind of value \(place(context))"
    case .dataCorrupted(let context): return "no valid JSON \(place(context))"
    @unknown default: return "it cannot be read"
    }
  }

  private struct Span: Decodable {
    var burst: Int64
    var count: Int64
    var periodSeconds: Double

    enum CodingKeys: String, CodingKey {
      case burst, count
      case periodSeconds = "period_s"
    }

    func quota(_ name: String) throws(LimitTableFault) -> Quota {
      guard let quota = Quota(burst: burst, count: count, periodSeconds: periodSeconds) else {
        throw LimitTableFault("\(name): burst, count and period_s must be positive, and of a sensible size")
      }
      return quota
    }
  }

  /// A row holds words about the limit beside its numbers, so only objects are read as numbers.
  private struct Row: Decodable {
    var name: String
    var plain: Span?
    var spans: [String: Span] = [:]

    init(from decoder: any Decoder) throws {
      let container = try decoder.container(keyedBy: AnyKey.self)
      name = try container.decode(String.self, forKey: AnyKey("name"))
      if container.contains(AnyKey("burst")) { plain = try Span(from: decoder) }
      for key in container.allKeys where ["production", "staging"].contains(key.stringValue) {
        spans[key.stringValue] = try container.decode(Span.self, forKey: key)
      }
    }
  }

  private struct Overrides: Decodable {
    var account: [String: Span]?
    var domains: [String: Span]?
  }

  private struct File: Decodable {
    var limits: [Row]
    var overrides: Overrides?
    var ceilings: [String: [String: RequestCeiling]] = [:]

    init(from decoder: any Decoder) throws {
      let container = try decoder.container(keyedBy: AnyKey.self)
      limits = try container.decode([Row].self, forKey: AnyKey("limits"))
      overrides = try container.decodeIfPresent(Overrides.self, forKey: AnyKey("overrides"))
      let key = AnyKey("endpoint_limits_per_ip")
      guard container.contains(key) else { return }
      let environments = try container.nestedContainer(keyedBy: AnyKey.self, forKey: key)
      for environment in environments.allKeys where ["production", "staging"].contains(environment.stringValue) {
        ceilings[environment.stringValue] = try environments.decode([String: RequestCeiling].self, forKey: environment)
      }
    }
  }

  private struct AnyKey: CodingKey {
    var stringValue: String
    var intValue: Int? { nil }
    init(_ text: String) { stringValue = text }
    init?(stringValue: String) { self.stringValue = stringValue }
    init?(intValue: Int) { nil }
  }
}
