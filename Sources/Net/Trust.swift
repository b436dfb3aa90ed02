/// Whose word counts for the certificate of a server.
public enum Trust: Sendable, Equatable {
  /// The system's bundle.
  case system
  /// The PEM file at this path, and nothing else.
  case bundle(String)
  /// Nobody is asked: for looking at what is served, never for saying something secret.
  case unverified
}
