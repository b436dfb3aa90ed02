/// What one termination of a node holds and shows of one certificate: disk, list, memory and wire are four facts that may differ.
public struct NodeSighting: Sendable, Equatable {
  /// What lies under the certificate's path.
  public var disk: Disk
  /// Whether a line of the list, or a section, names the file.
  public var listing: Listing
  /// What the running process holds.
  public var memory: Memory
  /// What the node's own listener shows for the name.
  public var wire: Wire

  /// Collects the parts; what is left out was not asked.
  public init(
    disk: Disk = .notAsked, listing: Listing = .notAsked, memory: Memory = .notAsked, wire: Wire = .notAsked
  ) {
    self.disk = disk
    self.listing = listing
    self.memory = memory
    self.wire = wire
  }

  /// The file.
  public enum Disk: Sendable, Equatable {
    case notAsked
    /// There is no file.
    case nothing
    /// Its first certificate, or `SeenLeaf.unreadable`.
    case leaf(SeenLeaf)
  }

  /// The list file of HAProxy, or the sections of stunnel.
  public enum Listing: Sendable, Equatable {
    /// There is no list, or nobody can tell.
    case notAsked
    case named
    case missing
  }

  /// The running process.
  public enum Memory: Sendable, Equatable {
    /// It cannot be asked.
    case notAsked
    /// It holds nothing under the file's name.
    case nothing
    /// It holds this, but no listener uses it.
    case unused(SeenLeaf)
    /// It holds and uses this.
    case leaf(SeenLeaf)
  }

  /// A handshake with SNI.
  public enum Wire: Sendable, Equatable {
    /// No address is known, or the node was not looked at.
    case notAsked
    /// The leaf that was shown.
    case leaf(SeenLeaf)
    /// It speaks TLS and shows no certificate for this name, as `strict-sni` does.
    case nothing(String)
    /// Whoever has the address said that nobody listens, or what listens speaks no TLS: a fact about the node.
    case dead(String)
    /// Nothing was seen, and nobody can say whose fault that is: a time-out, no route. Never a verdict.
    case unclear(String)
  }
}
