/// One try at one certificate. The state *is* the step to do; `apply` is the whole machine.
public struct Attempt: Sendable, Equatable {
  /// Identifies this try in the journal, in file names on the node and in reports.
  public let id: AttemptID
  /// What we try to get.
  public let spec: SpecID
  /// The exact set asked for.
  public let names: NameSet
  /// Where it stands.
  public private(set) var state: State

  /// A new try, whose first step is to make the key.
  public init(id: AttemptID, spec: SpecID, names: NameSet) {
    self.id = id
    self.spec = spec
    self.names = names
    state = .makingKey
  }

  /// Where an attempt stands, so what is to be done next.
  public enum State: Sendable, Equatable {
    /// The key and the CSR are made on a node. Then: `.requestingOrder`, `.failed`.
    case makingKey
    /// The key exists; the intention to order is recorded before the request leaves. Then: `.ordering`, `.failed`.
    case requestingOrder(Key)
    /// newOrder is on its way; after a crash here the order may exist and is named as lost. Then: `.validating`, `.failed`.
    case ordering(Key)
    /// The order's Location is known; challenges are answered and polled. Then: `.finalizing`, `.failed`.
    case validating(Key, order: String)
    /// finalize is on its way, or the CA is issuing. Then: `.issued`, `.failed`.
    case finalizing(Key, order: String)
    /// The certificate is ours. Final.
    case issued(Key, IssuedCertificate)
    /// The try ended without a certificate. Final.
    case failed(Failure)
  }

  /// Where its key lies, as long as it goes on.
  public var key: Key? {
    switch state {
    case .requestingOrder(let key), .ordering(let key), .validating(let key, _), .finalizing(let key, _),
      .issued(let key, _):
      key
    case .makingKey, .failed: nil
    }
  }

  /// The same try at a certificate that has another id now.
  func moved(to spec: SpecID) -> Attempt {
    var moved = Attempt(id: id, spec: spec, names: names)
    moved.state = state
    return moved
  }

  /// The node that holds its key has another id now.
  mutating func rename(_ from: NodeID, to node: NodeID) {
    guard var key, key.node == from else { return }
    key.node = node
    switch state {
    case .requestingOrder: state = .requestingOrder(key)
    case .ordering: state = .ordering(key)
    case .validating(_, let order): state = .validating(key, order: order)
    case .finalizing(_, let order): state = .finalizing(key, order: order)
    case .issued(_, let certificate): state = .issued(key, certificate)
    case .makingKey, .failed: break
    }
  }

  /// Where the key lies and what was asked to be signed.
  public struct Key: Sendable, Equatable, Codable {
    /// The node that made it and holds it.
    public var node: NodeID
    /// The CSR as PEM: it holds no secret.
    public var request: String

    /// Collects the parts.
    public init(node: NodeID, request: String) {
      self.node = node
      self.request = request
    }
  }

  /// What may happen to an attempt.
  public enum Occurrence: Sendable, Equatable {
    case keyMade(Key)
    case orderRequested
    case orderCreated(url: String)
    case finalizeRequested
    case issued(IssuedCertificate)
    case failed(Failure)
  }

  /// Moves on, or throws and stays where it is.
  public mutating func apply(_ occurrence: Occurrence) throws(IllegalTransition) {
    switch (state, occurrence) {
    case (.makingKey, .keyMade(let key)): state = .requestingOrder(key)
    case (.requestingOrder(let key), .orderRequested): state = .ordering(key)
    case (.ordering(let key), .orderCreated(let url)): state = .validating(key, order: url)
    case (.validating(let key, let order), .finalizeRequested): state = .finalizing(key, order: order)
    // A crash between the request and its record: asking the CA again shows the order already past `ready`.
    case (.finalizing(let key, _), .issued(let certificate)): state = .issued(key, certificate)
    case (.finalizing, .finalizeRequested): break
    case (.issued, _), (.failed, _): throw IllegalTransition("\(occurrence) after the end of attempt \(id)")
    case (_, .failed(let failure)): state = .failed(failure)
    case (.makingKey, _), (.requestingOrder, _), (.ordering, _), (.validating, _), (.finalizing, _):
      throw IllegalTransition("\(occurrence) while \(state) in attempt \(id)")
    }
  }
}

/// A step that the machine does not allow: a fault in certfleet, never in the world.
public struct IllegalTransition: Error, Sendable, CustomStringConvertible {
  /// What was tried, from where.
  public let description: String

  /// Describes what was tried.
  public init(_ description: String) { self.description = description }
}
