/// The shell side of staging.
enum StageShell {
  /// `prepare` once per attempt (chain and key in R), `stage_term` once per termination.
  static let library: ShellText = #"""
    # prepare STEM SUM LEAF PUBLIC: is the chain whole, is the key here and the right one? READY_STEM or NOT_STEM tells.
    bad() { printf '%s %s\n' "$K" "$(flat "$E")" >"$R/$p_stem.bad"; }
    prepare() {
      p_stem=$1
      beat
      rm -f "$R/$1.bad"
      p_chain=$R/$1.chain; p_key=$W/keys/$1.key
      if [ "$(file_sum "$p_chain")" != "$2" ]; then
        # said again, to learn why
        E=; try cp "$p_chain" "$R/probe.$$"; [ -n "$E" ] || E='the chain did not arrive whole'; rm -f "$R/probe.$$"
        why "$E" full; bad; return
      fi
      leaf "$p_chain"
      if [ "$LEAF" != "$3" ]; then K=mismatch; E="the chain begins with $LEAF"; bad; return; fi
      if [ "$(public_of_leaf "$p_chain")" != "$4" ]; then K=mismatch; E='the leaf holds another public key'; bad; return; fi
      if [ -s "$p_key" ] && [ "$(public_of_key "$p_key")" = "$4" ]; then return; fi
      if [ ! -s "$R/$1.cms" ]; then
        K=nokey; E='this node has no key for this certificate, and none was sent'
        if [ -s "$p_key" ]; then K=mismatch; E='the key on this node is another one'; fi
        bad; return
      fi
      if [ ! -s "$R/recipient.key" ]; then K=nokey; E='the one-off recipient of this rollout is gone'; bad; return; fi
      try mkdir -p "$W/keys" || { bad; return; }
      if ! E=$(openssl cms -decrypt -inform PEM -in "$R/$1.cms" -inkey "$R/recipient.key" -recip "$R/recipient.pem" \
        -out "$R/$1.key" 2>&1); then
        rm -f "$R/$1.key"; why "$E" mismatch; E="the sealed key does not open: $E"; bad; return
      fi
      # CBC carries no authentication: only the public half tells that this is the key.
      if [ "$(public_of_key "$R/$1.key")" != "$4" ]; then
        rm -f "$R/$1.key"; K=mismatch; E='the sealed key was altered or is another one'; bad; return
      fi
      chmod 600 "$R/$1.key"
      try mv -f "$R/$1.key" "$p_key" || { rm -f "$R/$1.key"; bad; return; }
      rm -f "$R/$1.cms"
    }
    # by_hand: true when the target is neither what we expect nor what we bring; E says what it is
    by_hand() {
      if [ -L "$target" ]; then E="$target is a symbolic link; name the file itself in the inventory"; return 0; fi
      leaf "$target"
      case $LEAF in none|"$new") return 1 ;; esac
      case " $expect " in ' any '|*" $LEAF "*) return 1 ;; esac
      serial_sha1 "$target"
      E="$target holds the certificate with serial ${SERIAL:-unreadable}, which certfleet did not put there"
      return 0
    }
    stage_one() {
      beat
      if [ -s "$R/$att.bad" ]; then s_bad=$(cat "$R/$att.bad"); tell "item $I ${s_bad%% *}" "${s_bad#* }"; return 1; fi
      if by_hand; then tell "item $I hand" "$E"; return 1; fi
      rm -f "$staged.refused"
      s_tmp=$D/new/.$label.tmp
      if ! E=$(cat "$R/$att.chain" "$W/keys/$att.key" 2>&1 >"$s_tmp"); then
        why "$E" refused; rm -f "$s_tmp"; tell "item $I $K" "$E"; return 1
      fi
      s_want=$(( $(wc -c <"$R/$att.chain") + $(wc -c <"$W/keys/$att.key") ))
      if [ $(($(wc -c <"$s_tmp"))) -ne $s_want ]; then
        rm -f "$s_tmp"; say item $I full "$staged could not be written whole"; return 1
      fi
      like "$s_tmp" "$target"
      try mv -f "$s_tmp" "$staged" || { rm -f "$s_tmp"; tell "item $I $K" "$E"; return 1; }
      return 0
    }
    # A PEM alone: what HAProxy or stunnel themselves say of it, without any of the running configuration.
    alone_haproxy() {
      have "$BINARY" || return 0
      printf 'defaults\n mode http\n timeout client 1s\n timeout server 1s\n timeout connect 1s\nfrontend f\n bind unix@s ssl crt "%s"\n' \
        "$1" >"$D/alone.cfg"
      bounded 120 "$BINARY" -c -f "$D/alone.cfg" && return 0
      E=$(said | sed -n -e '/ALERT/{s/^\[[A-Z]*\][^:]*: *//p;}' | head -n 1)
      return 1
    }
    # stunnel has no check: in inetd mode it reads its configuration, then an end of file instead of a client.
    alone_stunnel() {
      s_bin=
      for s_x in stunnel stunnel4 stunnel5; do if have $s_x; then s_bin=$s_x; break; fi; done
      [ -n "$s_bin" ] || return 0
      printf 'foreground = yes\nsyslog = no\ndebug = 5\ncert = %s\nconnect = 127.0.0.1:1\n' "$1" >"$D/alone.cfg"
      bounded 20 $s_bin "$D/alone.cfg"
      if said_all | grep -q 'Configuration successful'; then return 0; fi
      E=$(said_all | grep -e 'LOG3' -e '^\[!\]' | sed 's/^.*LOG3[^:]*: //' | head -n 2)
      return 1
    }
    said_all() { [ -f "$OUT" ] && cat "$OUT"; }
    stage_term() {
      D=$base/.certfleet/$RID/$T
      if [ ! -d "$base" ]; then for s_i in "$@"; do tell "item $s_i refused" "no directory $base"; done; return; fi
      if ! try mkdir -p "$D/new" || ! try mkdir -p "$D/old"; then
        for s_i in "$@"; do tell "item $s_i $K" "cannot write to $base: $E"; done
        return
      fi
      chmod 700 "$base/.certfleet" 2>/dev/null
      s_good=
      for s_i in "$@"; do item_$s_i; if stage_one; then s_good="$s_good $s_i"; fi; done
      # all at once first: a directory of good ones costs one process
      if [ -n "$s_good" ] && { [ "$KIND" != haproxy ] || ! alone_haproxy "$D/new/"; }; then
        s_rest=$s_good; s_good=
        for s_i in $s_rest; do
          item_$s_i
          beat
          if alone_$KIND "$staged"; then s_good="$s_good $s_i"
          else
            mv -f "$staged" "$D/.$label.refused"
            why "$E" pem; tell "item $I $K" "${E:-$KIND refused it without a word}"
          fi
        done
      fi
      rm -f "$D/alone.cfg" "$D"/.*.refused
      if [ "$KIND" = haproxy ]; then
        config_check
        printf '%s\n' "$CHECK" >"$D/baseline"
        tell "baseline $T $CHECK" "$E"
      fi
      for s_i in $s_good; do say item $s_i staged; done
    }
    """#
}
