public import Foundation

/// What happened: one row of the journal. Raw shapes are stored for ever, so a case is added, never changed.
///
/// Intentions stand before outcomes: `orderRequested` is recorded before the request leaves.
public enum Event: Sendable, Equatable, Codable {
  // What people said.
  /// A certificate is wanted.
  case specAdded(CertificateSpec)
  /// A wanted certificate changed; other names or another key make a new revision.
  case specChanged(CertificateSpec)
  /// A certificate is no longer wanted; what is served stays until it is removed by hand.
  case specRemoved(spec: SpecID)
  /// A certificate has another id, or its pair or VIP has, and is at the same place with the same file: all that is known of it goes along.
  case specMoved(from: SpecID, to: CertificateSpec)
  /// A pair has another id.
  case pairMoved(from: PairID, to: PairID)
  /// A node has another id: its host keys go along, and what is known of these certificates there.
  case nodeMoved(from: NodeID, to: NodeID, certificates: [SpecID])
  /// Nothing is started on this pair any more.
  case pairPaused(pair: PairID)
  /// The same with an end, a reason, or both; said of a pair that is paused already, it changes these.
  case pairHeld(pair: PairID, until: Date?, reason: String?)
  /// The pair takes part again.
  case pairResumed(pair: PairID)
  /// Back-off and hand-only failures are forgotten; the certificate is tried at once.
  case retryAsked(spec: SpecID)
  /// These SSH host keys, in OpenSSH's one-line form, are this node's.
  case hostKeysPinned(node: NodeID, keys: [String])
  /// A renewal sweep was asked for while another process runs; the runner takes the due set.
  case renewalAsked(sweep: SweepID)

  // What we know of the world.
  /// What a node can do, as JSON of `NodeFacts`.
  case nodeSurveyed(node: NodeID, facts: String)
  /// A node cannot be worked with.
  case nodeTroubled(node: NodeID, failure: Failure)
  /// The node works again.
  case nodeHealed(node: NodeID)
  /// A pair cannot be worked with, though its nodes answer.
  case pairTroubled(pair: PairID, failure: Failure)
  /// The pair works again.
  case pairHealed(pair: PairID)
  /// Our account at an authority.
  case accountRegistered(authority: AuthorityID, url: String, thumbprint: String)

  // A run.
  /// A run began; the seed is all the chance it uses.
  case sweepStarted(sweep: SweepID, seed: UInt64, purpose: SweepPurpose)
  /// A run came to its end by itself or by a signal; a killed one has no such row.
  case sweepEnded(sweep: SweepID, end: SweepEnd)

  // Issuing one certificate.
  /// A try began.
  case attemptStarted(of: AttemptReference, names: NameSet, authority: AuthorityID, revision: Int)
  /// Its key lies on a node.
  case keyMade(of: AttemptReference, key: Attempt.Key)
  /// newOrder is about to leave.
  case orderRequested(of: AttemptReference)
  /// The CA created (or gave back) this order.
  case orderCreated(of: AttemptReference, url: String)
  /// finalize is about to leave.
  case finalizeRequested(of: AttemptReference)
  /// The certificate was downloaded and matches key, names and chain.
  case issued(of: AttemptReference, certificate: IssuedCertificate)
  /// The try ended without a certificate. The back-off counts it unless the failure's rule says otherwise.
  case attemptFailed(of: AttemptReference, failure: Failure)
  /// The CA fails every order, or does not know the account: these failed by no fault of their own.
  case authorityFailing(authority: AuthorityID, certificates: [SpecID], failure: Failure)
  /// Something vetoed a try before it began.
  case specVetoed(spec: SpecID, failure: Failure)

  // Rolling out a batch.
  /// A batch starts on its way; certificates by spec, each with the attempt that got it.
  case rolloutStarted(rollout: RolloutID, pair: PairID, batch: [AttemptReference], first: NodeID, second: NodeID?)
  /// A step was done.
  case rolloutStepped(rollout: RolloutID, step: Rollout.Step, failure: Failure?)
  /// A node was reloaded for a batch, or by the rollback of this id.
  case reloaded(rollout: RolloutID, node: NodeID, reload: Reload)
  /// A certificate left the batch; the rest goes on.
  case ejected(rollout: RolloutID, spec: SpecID, failure: Failure)
  /// A node was proved to use these certificates.
  case installed(node: NodeID, certificates: [AttemptReference], proof: Proof, reason: String)
  /// A handshake with the VIP showed these certificates: they are done.
  case served(certificates: [AttemptReference])
  /// A rollout came to its end.
  case rolloutEnded(rollout: RolloutID, end: RolloutEnd, cause: Failure?)

  // An operator's rollback.
  /// The previous certificates are about to go back on this node.
  case rollbackStarted(rollback: RolloutID, pair: PairID, node: NodeID, certificates: [PreviousCertificate])
  /// This node was proved to use them again.
  case rolledBack(
    rollback: RolloutID, node: NodeID, certificates: [PreviousCertificate], proof: Proof, reason: String)
  /// These could not be put back, or not be proved.
  case rollbackFailed(rollback: RolloutID, node: NodeID, certificates: [AttemptReference], failure: Failure)

  // Seeing.
  /// A look found that a place does not have what was proved there, or now has something else again.
  case driftSeen(spec: SpecID, place: DriftPlace, drift: Drift)
  /// It has it again: by a redeployment of ours, or without us.
  case driftGone(spec: SpecID, place: DriftPlace, isHealed: Bool)

  // Tidying.
  /// The keys of these attempts, at certificates that are no longer wanted, are not on this node any more.
  case keysRemoved(node: NodeID, attempts: [AttemptID])

  // Whose a node is.
  /// This controller is about to leave this mark on a node.
  case marked(node: NodeID, controller: String, word: String)
  /// An operator took nodes over: what the marks there say is accepted, and files that somebody else put there may be overwritten.
  case takenOver(controller: String, pairs: [PairID], marks: [AcceptedMark], overwrites: [SpecID])

  // Telling people.
  /// A report waits to be mailed; its text is kept in the outbox.
  case mailQueued(mail: Int64, subject: String)
  /// The report was accepted by the mail server or written.
  case mailSent(mail: Int64)
  /// The mail server refused or was down; the report stays.
  case mailFailed(mail: Int64, detail: String)
}

/// One try at one wanted certificate; in a batch, the try that got it.
public struct AttemptReference: Sendable, Hashable, Codable {
  /// The certificate.
  public var spec: SpecID
  /// The attempt whose certificate and key are meant.
  public var attempt: AttemptID

  /// Collects the parts.
  public init(spec: SpecID, attempt: AttemptID) {
    self.spec = spec
    self.attempt = attempt
  }
}

/// A mark that lay on a node when an operator took it over.
public struct AcceptedMark: Sendable, Hashable, Codable {
  /// Where it lay.
  public var node: NodeID
  /// The controller that had left it.
  public var controller: String
  /// Its word.
  public var word: String

  /// Collects the parts.
  public init(node: NodeID, controller: String, word: String) {
    self.node = node
    self.controller = controller
    self.word = word
  }
}

/// Why a run was started.
public enum SweepPurpose: String, Sendable, Codable {
  case run
  case renew
}

/// How a run ended.
public enum SweepEnd: String, Sendable, Codable {
  /// Nothing was left to do.
  case completed
  /// A limit of time or number was reached.
  case stopped
  /// A signal asked it to stop.
  case interrupted
}

/// How a rollout ended: `Rollout.State` without the steps.
public enum RolloutEnd: String, Sendable, Codable {
  case done, refused, degradedFirst, degradedSecond, strandedFirst, strandedSecond
  /// The controller was killed; the next run looks at the nodes and starts anew.
  case abandoned
}
