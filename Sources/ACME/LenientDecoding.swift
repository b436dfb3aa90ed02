import Foundation

// CAs add fields, types and statuses at will, and Boulder a random directory key on purpose: what is not understood is passed over.

extension KeyedDecodingContainer {
  /// `nil` for a field that is absent, null or of another type.
  func leniently<Value: Decodable>(_ type: Value.Type, _ key: Key) -> Value? {
    do { return try decodeIfPresent(type, forKey: key) } catch { return nil }
  }

  /// An RFC 3339 date; `nil` for anything else.
  func date(_ key: Key) -> Date? { leniently(String.self, key).flatMap(RFC3339.date) }
}

/// An element of an array that may be of another shape than expected, without spoiling its neighbours.
struct Lenient<Value: Decodable>: Decodable {
  let value: Value?

  init(from decoder: any Decoder) throws {
    do { value = try Value(from: decoder) } catch { value = nil }
  }
}

/// A status word: RFC 8555 section 7.1.6 lists them, CAs may add some.
func decodeStatus<Status: RawRepresentable, Key: CodingKey>(
  _ type: Status.Type, from fields: KeyedDecodingContainer<Key>, _ key: Key
) throws -> Status where Status.RawValue == String {
  let word = try fields.decode(String.self, forKey: key)
  guard let status = Status(rawValue: word) else {
    throw DecodingError.dataCorruptedError(forKey: key, in: fields, debugDescription: "no status")
  }
  return status
}
