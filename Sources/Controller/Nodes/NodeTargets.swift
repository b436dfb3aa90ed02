import Appliance
import Fleet
import SSH

/// Turns the inventory's words about a login into what SSH needs: identities are read once, host keys are those that were pinned.
actor NodeTargets {
  private var pinned: [NodeID: [HostKey]]
  private var identities: [String: SSHIdentity] = [:]

  init(state: FleetState) {
    pinned = state.nodes.mapValues { $0.hostKeys.compactMap { HostKey(openSSH: $0) } }
  }

  /// Believes these keys from now on.
  func pin(_ node: NodeID, _ keys: [String]) { pinned[node] = keys.compactMap { HostKey(openSSH: $0) } }

  /// How to reach a node and log in.
  func target(of node: Node) throws(Failure) -> SSHTarget {
    do {
      let authentications = try authentications(node.ssh)
      guard !authentications.isEmpty else {
        throw Failure(.loginRefused, "the inventory names no key, agent or password for this node", node: node.id)
      }
      return SSHTarget(
        host: node.address, port: node.ssh.port, user: node.ssh.user, authentications: authentications,
        hostKeys: pinned[node.id] ?? [], jump: try node.ssh.jump.map { jump in try self.jump(jump, node) })
    } catch let failure as Failure {
      throw failure
    } catch let error as SSHError {
      throw Failure(error, node: node.id)
    } catch let fault as CommandFault {
      throw Failure(.loginRefused, fault.text, node: node.id)
    } catch {
      throw Failure(.internalError, "\(error)", node: node.id)
    }
  }

  /// A jump host is pinned under its own id, `jump:ADDRESS:PORT`.
  func jump(_ jump: SSHSettings.Jump, _ node: Node) throws -> SSHTarget {
    SSHTarget(
      host: jump.address, port: jump.port, user: jump.user ?? node.ssh.user,
      authentications: try authentications(node.ssh), hostKeys: pinned[Self.id(of: jump)] ?? [])
  }

  /// Under which id the host keys of a jump host are kept.
  static func id(of jump: SSHSettings.Jump) -> NodeID { NodeID("jump:\(jump.address):\(jump.port)") }

  private func authentications(_ settings: SSHSettings) throws -> [SSHAuthentication] {
    var found: [SSHAuthentication] = []
    if let path = settings.key { found.append(.identity(try identity(path, settings.passphrase))) }
    if settings.useAgent { found.append(.agent(socketPath: nil)) }
    if let password = settings.password { found.append(.password(SSHSecret(try Secrets.read(password)))) }
    return found
  }

  private func identity(_ path: String, _ passphrase: SecretSource?) throws -> SSHIdentity {
    if let known = identities[path] { return known }
    let loaded = try SSHIdentity.load(path: path, passphrase: try passphrase.map { SSHSecret(try Secrets.read($0)) })
    identities[path] = loaded
    return loaded
  }
}
