import GRDB

/// The tables. A migration is never edited once it was released: a change is a new migration, and so is a new kind of event, for an older
/// certfleet must refuse a journal that it cannot read.
enum Schema {
  static var migrator: DatabaseMigrator {
    var migrator = DatabaseMigrator()
    migrator.registerMigration("1 events, present state, outbox") { database in
      try database.execute(sql: events + state + runs + outbox)
    }
    migrator.registerMigration("a reload that nothing confirmed") { database in
      try database.execute(sql: unconfirmedReloads)
    }
    migrator.registerMigration("event reloaded") { _ in }
    migrator.registerMigration("findings of the preflight") { database in
      try database.execute(sql: FindingTable.sql)
    }
    migrator.registerMigration("leaves on their way, rollback by an operator") { database in
      try database.execute(
        sql: """
          ALTER TABLE certificate ADD COLUMN possible_leaves TEXT NOT NULL DEFAULT '{}'
            CHECK (json_type(possible_leaves) = 'object')
          """)
    }
    migrator.registerMigration("event keysRemoved") { _ in }
    migrator.registerMigration("every leaf that was ever issued") { database in
      try database.execute(sql: leaves)
    }
    migrator.registerMigration("findings that are certain, and since when") { database in
      try database.execute(sql: FindingTable.certainSQL)
    }
    migrator.registerMigration("marks on nodes, events marked and takenOver") { database in
      try database.execute(sql: marks)
    }
    migrator.registerMigration("events specMoved, pairMoved, nodeMoved") { _ in }
    migrator.registerMigration("event pairHeld, a pause with its end and its reason") { database in
      try database.execute(sql: pauses)
    }
    migrator.registerMigration("failure notSeen") { _ in }
    migrator.registerMigration("drift, and what was seen last") { database in
      try database.execute(
        sql: """
          ALTER TABLE certificate ADD COLUMN drifts TEXT NOT NULL DEFAULT '{}' CHECK (json_type(drifts) = 'object');

          """ + SightingTable.sql)
    }
    return migrator
  }

  /// The truth. It refers to no other table: those are made from it.
  private static let events = """
    CREATE TABLE event (
      sequence INTEGER NOT NULL PRIMARY KEY CHECK (sequence > 0),
      at INTEGER NOT NULL,
      sweep TEXT,
      kind TEXT NOT NULL,
      body TEXT NOT NULL CHECK (json_valid(body)),
      hash BLOB NOT NULL CHECK (length(hash) = 32)
    ) STRICT;
    CREATE INDEX event_by_sweep ON event (sweep, sequence) WHERE sweep IS NOT NULL;
    CREATE INDEX event_by_kind ON event (kind, sequence);
    CREATE TRIGGER event_is_never_changed BEFORE UPDATE ON event
    BEGIN SELECT RAISE(ABORT, 'the journal is append-only'); END;
    CREATE TRIGGER event_is_never_removed BEFORE DELETE ON event
    BEGIN SELECT RAISE(ABORT, 'the journal is append-only'); END;
    CREATE TRIGGER event_has_no_gap BEFORE INSERT ON event
    WHEN NEW.sequence <> (SELECT coalesce(max(sequence), 0) + 1 FROM event)
    BEGIN SELECT RAISE(ABORT, 'the journal has no gaps'); END;
    CREATE TABLE mention (
      kind TEXT NOT NULL CHECK (kind IN ('certificate', 'pair', 'node', 'account', 'rollout', 'mail')),
      id TEXT NOT NULL,
      sequence INTEGER NOT NULL REFERENCES event (sequence),
      PRIMARY KEY (kind, id, sequence)
    ) STRICT, WITHOUT ROWID;

    """

  /// What is: the fold of the events by `FleetState.apply`.
  private static let state = """
    CREATE TABLE certificate (
      id TEXT NOT NULL PRIMARY KEY,
      pair TEXT NOT NULL,
      vip TEXT NOT NULL,
      customer TEXT,
      label TEXT NOT NULL,
      names TEXT NOT NULL CHECK (json_type(names) = 'array' AND json_array_length(names) BETWEEN 1 AND 100),
      key TEXT NOT NULL,
      profile TEXT,
      registered_domains TEXT NOT NULL CHECK (json_type(registered_domains) = 'array'),
      source TEXT,
      revision INTEGER NOT NULL CHECK (revision > 0),
      attempt_authority TEXT,
      attempt_revision INTEGER NOT NULL CHECK (attempt_revision >= 0),
      issued_revision INTEGER NOT NULL CHECK (issued_revision >= 0),
      key_node TEXT,
      served TEXT,
      served_not_after INTEGER,
      served_at INTEGER,
      failures INTEGER NOT NULL CHECK (failures >= 0),
      last_failure TEXT CHECK (last_failure IS NULL OR json_valid(last_failure)),
      last_failure_at INTEGER,
      failing_since INTEGER,
      failing_sweep TEXT,
      may_overwrite INTEGER NOT NULL CHECK (may_overwrite IN (0, 1)),
      CHECK ((last_failure IS NULL) = (last_failure_at IS NULL)),
      CHECK ((last_failure IS NULL) = (failing_since IS NULL))
    ) STRICT;
    CREATE INDEX certificate_by_pair ON certificate (pair);
    CREATE INDEX certificate_by_customer ON certificate (customer);
    CREATE TABLE attempt (
      certificate TEXT NOT NULL PRIMARY KEY REFERENCES certificate (id),
      id TEXT NOT NULL,
      names TEXT NOT NULL CHECK (json_type(names) = 'array'),
      state TEXT NOT NULL
        CHECK (state IN ('makingKey', 'requestingOrder', 'ordering', 'validating', 'finalizing')),
      key_node TEXT,
      request TEXT,
      order_url TEXT,
      CHECK ((key_node IS NULL) = (state = 'makingKey')),
      CHECK ((key_node IS NULL) = (request IS NULL)),
      CHECK ((order_url IS NOT NULL) = (state IN ('validating', 'finalizing')))
    ) STRICT;
    CREATE TABLE issued (
      certificate TEXT NOT NULL PRIMARY KEY REFERENCES certificate (id),
      attempt TEXT NOT NULL,
      sha256 TEXT NOT NULL,
      serial TEXT NOT NULL,
      not_before INTEGER NOT NULL,
      not_after INTEGER NOT NULL,
      issuer TEXT NOT NULL,
      chain TEXT NOT NULL CHECK (json_type(chain) = 'array'),
      public_key_sha256 TEXT NOT NULL
    ) STRICT;
    CREATE TABLE installation (
      certificate TEXT NOT NULL REFERENCES certificate (id),
      node TEXT NOT NULL,
      attempt TEXT NOT NULL,
      sha256 TEXT NOT NULL,
      proof TEXT NOT NULL CHECK (proof IN ('disk', 'memory', 'wire')),
      reason TEXT NOT NULL,
      at INTEGER NOT NULL,
      PRIMARY KEY (certificate, node)
    ) STRICT, WITHOUT ROWID;
    CREATE TABLE pair (
      id TEXT NOT NULL PRIMARY KEY,
      paused INTEGER NOT NULL CHECK (paused IN (0, 1)),
      trouble TEXT CHECK (trouble IS NULL OR json_valid(trouble)),
      troubled_at INTEGER,
      CHECK ((trouble IS NULL) = (troubled_at IS NULL))
    ) STRICT;
    CREATE TABLE node (
      id TEXT NOT NULL PRIMARY KEY,
      host_keys TEXT NOT NULL CHECK (json_type(host_keys) = 'array'),
      facts TEXT,
      trouble TEXT CHECK (trouble IS NULL OR json_valid(trouble)),
      troubled_at INTEGER,
      troubled_sweep TEXT,
      CHECK ((trouble IS NULL) = (troubled_at IS NULL))
    ) STRICT;
    CREATE TABLE account (
      authority TEXT NOT NULL PRIMARY KEY,
      url TEXT NOT NULL,
      thumbprint TEXT NOT NULL
    ) STRICT;
    CREATE TABLE bucket (
      key TEXT NOT NULL PRIMARY KEY,
      limit_name TEXT NOT NULL,
      tat INTEGER NOT NULL CHECK (tat >= 0),
      reservations TEXT NOT NULL CHECK (json_type(reservations) = 'array')
    ) STRICT;

    """

  /// `installation` with one more word for `proof`; a CHECK cannot be changed in place.
  private static let unconfirmedReloads = """
    CREATE TABLE installation_with_unconfirmed (
      certificate TEXT NOT NULL REFERENCES certificate (id),
      node TEXT NOT NULL,
      attempt TEXT NOT NULL,
      sha256 TEXT NOT NULL,
      proof TEXT NOT NULL CHECK (proof IN ('unconfirmed', 'disk', 'memory', 'wire')),
      reason TEXT NOT NULL,
      at INTEGER NOT NULL,
      PRIMARY KEY (certificate, node)
    ) STRICT, WITHOUT ROWID;
    INSERT INTO installation_with_unconfirmed (certificate, node, attempt, sha256, proof, reason, at)
      SELECT certificate, node, attempt, sha256, proof, reason, at FROM installation;
    DROP TABLE installation;
    ALTER TABLE installation_with_unconfirmed RENAME TO installation;

    """

  /// Whose a file on a node is must not be forgotten with the certificate that it was made for.
  private static let leaves = """
    CREATE TABLE leaf (
      sha256 TEXT NOT NULL PRIMARY KEY,
      certificate TEXT NOT NULL,
      attempt TEXT NOT NULL,
      issued INTEGER NOT NULL REFERENCES event (sequence)
    ) STRICT, WITHOUT ROWID;
    CREATE INDEX leaf_by_certificate ON leaf (certificate, issued);
    INSERT OR REPLACE INTO leaf (sha256, certificate, attempt, issued)
      SELECT json_extract(body, '$.issued.certificate.sha256'), json_extract(body, '$.issued.of.spec'),
        json_extract(body, '$.issued.of.attempt'), sequence
      FROM event WHERE kind = 'issued' ORDER BY sequence;

    """

  /// Which marks on nodes this journal left or accepted.
  private static let marks = """
    CREATE TABLE mark (
      word TEXT NOT NULL,
      controller TEXT NOT NULL,
      node TEXT NOT NULL,
      sequence INTEGER NOT NULL REFERENCES event (sequence),
      PRIMARY KEY (word, controller, node)
    ) STRICT, WITHOUT ROWID;
    CREATE INDEX mark_by_node ON mark (node, sequence);

    """

  /// Since when a pair is paused stands in the events already.
  private static let pauses = """
    ALTER TABLE pair ADD COLUMN paused_at INTEGER;
    ALTER TABLE pair ADD COLUMN paused_until INTEGER;
    ALTER TABLE pair ADD COLUMN pause_reason TEXT;
    UPDATE pair SET paused_at = (
      SELECT max(event.at) FROM mention JOIN event USING (sequence)
      WHERE mention.kind = 'pair' AND mention.id = pair.id AND event.kind = 'pairPaused'
    ) WHERE paused = 1;

    """

  /// Runs and rollouts, for resuming and for reports.
  private static let runs = """
    CREATE TABLE sweep (
      id TEXT NOT NULL PRIMARY KEY,
      purpose TEXT NOT NULL CHECK (purpose IN ('run', 'renew')),
      seed INTEGER NOT NULL,
      started INTEGER NOT NULL UNIQUE REFERENCES event (sequence),
      started_at INTEGER NOT NULL,
      ended INTEGER REFERENCES event (sequence) CHECK (ended > started),
      ended_at INTEGER,
      end_reason TEXT CHECK (end_reason IN ('completed', 'stopped', 'interrupted')),
      CHECK ((ended IS NULL) = (ended_at IS NULL)),
      CHECK ((ended IS NULL) = (end_reason IS NULL))
    ) STRICT;
    CREATE TABLE rollout (
      id TEXT NOT NULL PRIMARY KEY,
      pair TEXT NOT NULL,
      started INTEGER NOT NULL UNIQUE REFERENCES event (sequence),
      last_step INTEGER REFERENCES event (sequence) CHECK (last_step > started),
      ended INTEGER REFERENCES event (sequence) CHECK (ended > started),
      end_reason TEXT CHECK (end_reason IN
        ('done', 'refused', 'degradedFirst', 'degradedSecond', 'strandedFirst', 'strandedSecond', 'abandoned')),
      CHECK ((ended IS NULL) = (end_reason IS NULL))
    ) STRICT;
    CREATE INDEX rollout_that_is_open ON rollout (started) WHERE ended IS NULL;

    """

  /// Reports on their way, and what else must be remembered.
  private static let outbox = """
    CREATE TABLE mail (
      id INTEGER NOT NULL PRIMARY KEY CHECK (id > 0),
      queued_at INTEGER NOT NULL,
      subject TEXT NOT NULL,
      attempts INTEGER NOT NULL CHECK (attempts >= 0),
      last_attempt_at INTEGER,
      last_detail TEXT,
      sent_at INTEGER
    ) STRICT;
    CREATE INDEX mail_that_waits ON mail (id) WHERE sent_at IS NULL;
    CREATE TABLE message (
      mail INTEGER NOT NULL PRIMARY KEY REFERENCES mail (id),
      sender TEXT NOT NULL,
      recipients TEXT NOT NULL CHECK (json_type(recipients) = 'array'),
      rfc822 BLOB NOT NULL
    ) STRICT;
    CREATE TABLE setting (
      name TEXT NOT NULL PRIMARY KEY,
      value TEXT NOT NULL
    ) STRICT;
    """
}
