/// The tables of the present state, each with its columns once for reading, writing and comparing.
enum StateTables {
  static let certificate = Table(
    "certificate",
    """
    id pair vip customer label names key profile registered_domains source revision# attempt_authority \
    attempt_revision# issued_revision# key_node served served_not_after# served_at# failures# last_failure \
    last_failure_at# failing_since# failing_sweep may_overwrite# possible_leaves drifts
    """)
  static let attempt = Table("attempt", "certificate id names state key_node request order_url")
  static let issued = Table(
    "issued", "certificate attempt sha256 serial not_before# not_after# issuer chain public_key_sha256")
  static let installation = Table("installation", key: 2, "certificate node attempt sha256 proof reason at#")
  static let pair = Table("pair", "id paused# trouble troubled_at# paused_at# paused_until# pause_reason")
  static let node = Table("node", "id host_keys facts trouble troubled_at# troubled_sweep")
  static let account = Table("account", "authority url thumbprint")
  static let bucket = Table("bucket", "key limit_name tat# reservations")
  static let sweep = Table("sweep", "id purpose seed# started# started_at# ended# ended_at# end_reason")
  static let rollout = Table("rollout", "id pair started# last_step# ended# end_reason")
  static let leaf = Table("leaf", "sha256 certificate attempt issued#")
  static let mark = Table("mark", key: 3, "word controller node sequence#")
  static let mention = Table("mention", key: 3, "kind id sequence#")
  static let mail = Table("mail", "id# queued_at# subject attempts# last_attempt_at# last_detail sent_at#")

  /// Every table that the events alone must give again. `bucket`, `message` and `setting` hold what no event carries.
  static let folded = [
    certificate, attempt, issued, installation, pair, node, account, leaf, mark, sweep, rollout, mail, mention,
  ]
}
