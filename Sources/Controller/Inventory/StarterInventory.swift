import Foundation

/// What `init` writes: an inventory to fill in, a list of domains, and a state directory.
public enum StarterInventory {
  /// Why nothing was written.
  public enum Refusal: Error, Sendable, Equatable, CustomStringConvertible {
    /// A file of that name is there; it is never overwritten.
    case exists(String)
    /// The disk said no.
    case cannotWrite(String)

    /// One line for people.
    public var description: String {
      switch self {
      case .exists(let path): "\(path) is there already and is not overwritten; name another directory"
      case .cannotWrite(let path): "\(path) cannot be written; check the directory and its rights"
      }
    }
  }

  /// Writes into `directory`, which is made if need be, and answers the paths in the order in which a person reads them.
  public static func write(to directory: String) throws(Refusal) -> [String] {
    let root = TextFile.absolute(directory)
    let files = [(root + "/fleet.yaml", fleet), (root + "/domains/domains.csv", domains)]
    let state = root + "/state"
    // All looked at before anything is written: half a starter is worse than none.
    for path in files.map(\.0) + [state] where FileManager.default.fileExists(atPath: path) {
      throw .exists(TextFile.shown(path))
    }
    for (path, text) in files {
      try makeDirectory(URL(fileURLWithPath: path).deletingLastPathComponent().path, mode: 0o755)
      do {
        // withoutOverwriting: a file that appeared since is not ours to replace.
        try Data(text.utf8).write(to: URL(fileURLWithPath: path), options: .withoutOverwriting)
      } catch {
        throw .cannotWrite(TextFile.shown(path))
      }
    }
    try makeDirectory(state, mode: 0o700)
    return files.map { TextFile.shown($0.0) } + [TextFile.shown(state)]
  }

  private static func makeDirectory(_ path: String, mode: Int) throws(Refusal) {
    do {
      try FileManager.default.createDirectory(
        atPath: path, withIntermediateDirectories: true, attributes: [.posixPermissions: mode])
    } catch {
      throw .cannotWrite(TextFile.shown(path))
    }
  }

  /// Valid as it stands, so that `check` shows only what is left to do.
  static let fleet = """
    # The inventory of certfleet: who owns what, and how to get there.
    # Check it with `certfleet check`; secrets never stand in it, only where to find them.

    # SQLite, locks and account keys. Relative paths start from this file's folder.
    state: state

    authorities:
      # Start with Let's Encrypt's staging environment: its limits are wide, its certificates are not trusted.
      - id: letsencrypt-staging
        directory: https://acme-staging-v02.api.letsencrypt.org/directory
        # contact: [mailto:ops@YOUR.DOMAIN]
      # Then this one in its place:
      # - id: letsencrypt
      #   directory: https://acme-v02.api.letsencrypt.org/directory
      #   contact: [mailto:ops@YOUR.DOMAIN]

    # Where reports go. A directory to begin with; later a server:
    #   mail: { host: smtp.example.com, tls: starttls, user: certfleet, password_file: smtp-password, from: …, to: […] }
    mail:
      directory: outbox
      from: certfleet@example.com
      to: [ops@example.com]

    customers:
      - id: example
        name: Example Ltd
        # mail: [it@example.com]

    # What every pair and node inherits. A pair or node may say otherwise.
    defaults:
      ssh:
        user: root
        agent: true                       # or: key: ~/.ssh/certfleet
        # sudo: true                      # for a login that is not root
        # jump: { address: bastion.example.com, user: hop }
      challenge: thumbprint               # or: { tunnel: { port: 8888 } }
      degraded: wait                      # or: deploy, to go on at once with one node

    pairs:
      - id: pair1
        customer: example
        appliance: loadbalancer-org       # or: haproxy, stunnel, command
        vips:
          - { id: web, address: 192.0.2.10 }   # public: [198.51.100.10], if NAT stands in front
        nodes:
          - { id: pair1-a, address: 192.0.2.11 }
          - { id: pair1-b, address: 192.0.2.12 }

    domains: [domains/*.csv]

    """

  static let domains = """
    # One domain a row. Rows with the same `certificate` share one certificate; `vip` may stay empty where the pair has one.
    domain,pair,vip,customer,certificate,profile,key,label,notes
    # www.example.com,pair1,,,,,,,
    # shop.example.com,pair1,web,example,shop,,,,"one certificate with the next row"
    # cart.example.com,pair1,web,example,shop,,,,

    """
}
