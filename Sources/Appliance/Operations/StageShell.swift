/// The shell side of staging.
enum StageShell {
  static let library: ShellText =
    "\(prepare)\n\(alone)\n\(Sifting.library)\n\(SideFiles.weighing)\n\(ConfigurationCopy.library)\n\(refusals)\n\(stage)"

  /// One answer for all certificates of a termination.
  static let refusals: ShellText = #"""
    refuse_all() { for s_i in $2; do tell "item $s_i $1" "$3"; done; }
    """#

  /// `prepare` once for all attempts: chain and key in R. `attempt_N` sets `att` and `public`; `bad_N` then says what is wrong with it.
  private static let prepare: ShellText = #"""
    spoil() { p_text=$(flat "$3"); eval "bad_$1=\"\$2 \$p_text\""; }
    torn() {
      # said again, to learn why
      E=; try cp "$R/$att.$2" "$R/probe.$$"; rm -f "$R/probe.$$"
      why "$E" full; spoil $1 "$K" "the chain did not arrive whole${E:+: $E}"
    }
    prepare() {
      if ! try mkdir -p "$W/keys"; then for p_n in "$@"; do spoil $p_n "$K" "$E"; done; return; fi
      p_here=; p_opened=
      for p_n in "$@"; do
        attempt_$p_n; pulse
        eval "bad_$p_n="
        case $WHOLE in *" $att.chain "*) ;; *) torn $p_n chain; continue ;; esac
        if [ -s "$W/keys/$att.key" ]; then p_here="$p_here $p_n"; else open_sealed $p_n; fi
      done
      compare_keys "$W/keys" $p_here
      for p_n in $p_other; do
        attempt_$p_n
        case " $p_damaged " in *" $p_n "*) p_why=damaged ;; *) p_why= ;; esac
        open_sealed $p_n
      done
      compare_keys "$R" $p_opened
      for p_n in $p_other; do
        attempt_$p_n; rm -f "$R/$att.key"
        spoil $p_n mismatch 'the sealed key was altered or is another one'
      done
      set --
      for p_n in $p_opened; do
        attempt_$p_n; eval "p_bad=\$bad_$p_n"
        if [ -n "$p_bad" ]; then rm -f "$R/$att.key"; continue; fi
        set -- "$@" "$R/$att.key"
        if [ $# -ge 100 ]; then mv -f "$@" "$W/keys/" 2>/dev/null; set --; fi
      done
      if [ $# -gt 0 ]; then mv -f "$@" "$W/keys/" 2>/dev/null; fi
      for p_n in $p_opened; do
        attempt_$p_n
        if [ -e "$R/$att.key" ] && ! try mv -f "$R/$att.key" "$W/keys/$att.key"; then rm -f "$R/$att.key"; spoil $p_n "$K" "$E"; fi
      done
    }
    # open_sealed N: the key that was sent for this rollout's recipient, into R
    open_sealed() {
      case $WHOLE in
        *" $att.cms "*) ;;
        *)
          if [ -s "$R/$att.cms" ]; then torn $1 cms; return; fi
          if [ -s "$W/keys/$att.key" ]; then spoil $1 nokey "the key on this node is ${p_why:-another one}"
          else spoil $1 nokey 'this node has no key for this certificate, and none was sent'
          fi
          return ;;
      esac
      if [ ! -s "$R/recipient.key" ]; then spoil $1 nokey 'the one-off recipient of this rollout is gone'; return; fi
      if E=$(openssl cms -decrypt -inform PEM -in "$R/$att.cms" -inkey "$R/recipient.key" -recip "$R/recipient.pem" \
        -out "$R/$att.key" 2>&1); then
        p_opened="$p_opened $1"
      else
        rm -f "$R/$att.key"; why "$E" mismatch; spoil $1 "$K" "the sealed key does not open: $E"
      fi
    }
    # compare_keys DIR NUMBERS: has DIR/ATTEMPT.key the public half that the leaf holds? CBC carries no authentication, so only this tells that a
    # sealed key is the key. Those that are another key or damaged go to p_other.
    compare_keys() {
      p_dir=$1; shift; p_other=; p_damaged=
      for p_n in "$@"; do attempt_$p_n; eval "bad_$p_n='key it could not be compared with its certificate'"; done
      publics "$p_dir" "$@"
      while read -r p_n p_word; do
        eval "bad_$p_n="
        case $p_word in
          other) p_other="$p_other $p_n" ;;
          damaged) p_other="$p_other $p_n"; p_damaged="$p_damaged $p_n" ;;
        esac
      done <"$R/paired"
    }
    """#

  /// A PEM alone: what HAProxy or stunnel themselves say of it, without any of the running configuration.
  static let alone: ShellText = #"""
    alone_haproxy() {
      have "$BINARY" || return 0
      printf 'global\n%s\ndefaults\n mode http\n timeout client 1s\n timeout server 1s\n timeout connect 1s\nfrontend f\n bind unix@s ssl crt "%s"\n' \
        "$(extras)" "$1" >"$R/alone.cfg"
      [ $? -eq 0 ] || { E="no room in $R: No space left"; return 1; }
      bounded 120 "$BINARY" -c -f "$R/alone.cfg" && return 0
      E=$(said | sed -n -e '/ALERT/{s/^\[[A-Z]*\][^:]*: *//;s/^.*in section .frontend. : *//;p;}' | head -n 1)
      return 1
    }
    # extras: what the configuration says about the files beside a PEM
    extras() { configuration_$T 2>/dev/null | grep '^[[:space:]]*ssl-load-extra'; }
    plain_look() { swap "$D/look/" "${target%/*}/"; swap "$s_at/" "${target%/*}/"; }
    find_stunnel() { s_bin=; for s_x in stunnel stunnel4 stunnel5; do if have $s_x; then s_bin=$s_x; return 0; fi; done; return 1; }
    # stunnel has no check: in inetd mode it reads its configuration, then an end of file instead of a client.
    alone_stunnel() {
      find_stunnel || return 0
      printf 'foreground = yes\nsyslog = no\ndebug = 5\ncert = %s\nconnect = 127.0.0.1:1\n' "$1" >"$R/alone.cfg"
      bounded 20 $s_bin "$R/alone.cfg"
      if said_all | grep -q 'Configuration successful'; then return 0; fi
      E=$(said_all | grep -e 'LOG3' -e '^\[!\]' | sed 's/^.*LOG3[^:]*: //' | head -n 2)
      return 1
    }
    said_all() { [ -f "$OUT" ] && cat "$OUT"; }
    # see_haproxy: those of s_try alone: one by itself, all in their directory, some in one of links
    see_haproxy() {
      s_plain=plain_look
      case ${s_try# } in *' '*) ;; *) item_$((s_try)); alone_haproxy "$s_at/$label.pem"; return ;; esac
      s_look=$s_at/
      if [ "$s_try" != "$s_whole" ]; then
        s_look=$D/look/
        rm -rf "$D/look"; mkdir "$D/look" || return 1
        for s_i in $s_try; do item_$s_i; printf '../%s/%s.pem\n' "${s_at##*/}" "$label"; done |
          (cd "$D/look" && xargs sh -c 'ln -s "$@" .' sh) 2>/dev/null
      fi
      s_rc=0; alone_haproxy "$s_look" || s_rc=1
      s_said=$(said_all | grep ALERT)
      rm -rf "$D/look"
      return $s_rc
    }
    # pem_of: sets PEM to where the new PEM of the present item lies: staged in s_at, or in its place
    pem_of() { if [ -n "$s_at" ]; then PEM=$s_at/$label.pem; else PEM=$target; fi; }
    # see_stunnel: a section for each PEM of s_try, and a last one that must fail: sections are read in order and nothing is bound before all are
    # read, so a complaint about the last one alone says that every PEM before it is good. One PEM is tried by itself, for its own words.
    see_stunnel() {
      find_stunnel || return 0
      s_said=; s_plain=
      case ${s_try# } in *' '*) ;; *) item_$((s_try)); pem_of; alone_stunnel "$PEM"; return ;; esac
      {
        printf 'foreground = yes\nsyslog = no\ndebug = 5\n'
        for s_i in $s_try; do
          item_$s_i; pem_of
          printf '[s%s]\naccept = 127.0.0.1:1\nconnect = 127.0.0.1:1\ncert = %s\n' $s_i "$PEM"
        done
        printf '[certfleet-end]\nconnect = 127.0.0.1:1\n'
      } >"$R/alone.cfg"
      bounded 120 $s_bin "$R/alone.cfg"
      said_all | grep -q 'ervice \[certfleet-end\]' && ! said_all | grep -q 'ervice \[s[0-9]*\]: .*ailed'
    }
    """#

  /// `stage_term` once per termination.
  private static let stage: ShellText = #"""
    # assemble ITEMS: chain and key into D/next/LABEL.pem, as HAProxy's command line takes it: no blank line, nothing outside BEGIN and END.
    # Sets s_good to those that lie there whole.
    assemble() {
      s_good=
      for s_i in $1; do item_$s_i; printf '%s %s %s\n' $s_i "$label" "$att"; done >"$R/list"
      CF_R=$R/ CF_K=$W/keys/ CF_D=$D/next/ awk '
        function copy(f,  l,on){on=0; while((getline l <f)>0){sub(/\r$/,"",l); if(l~/^-----BEGIN /)on=1
          if(on && l!~/^[ \t]*$/){print l >o; b+=length(l)+1} if(l~/^-----END /)on=0} close(f)}
        BEGIN{r=ENVIRON["CF_R"]; k=ENVIRON["CF_K"]; d=ENVIRON["CF_D"]}
        {o=d $2 ".pem"; b=0; copy(r $3 ".chain"); copy(k $3 ".key"); close(o); print $1,$2,b}' "$R/list" >"$R/made" 2>/dev/null
      (cd "$D/next" && awk '{print $2 ".pem"}' "$R/made" | xargs cksum 2>/dev/null) |
        awk 'FILENAME==ARGV[1]{w[$2 ".pem"]=$1" "$3; next} {split(w[$3],x," "); if(x[2]>0 && x[2]==$2) print x[1],$1,$2}' "$R/made" - >"$R/whole"
      while read -r s_i s_crc s_len; do
        item_$s_i
        s_good="$s_good $s_i"
        printf '%s %s %s %s %s\n' "$s_crc" "$s_len" "$new" "$serial" "$label" >&4
      done <"$R/whole" 4>>"$W/seen"
      for s_i in $1; do
        case " $s_good " in *" $s_i "*) continue ;; esac
        item_$s_i
        # said again, to learn why
        E=; try cp "$R/$att.chain" "$D/next/.probe"; rm -f "$D/next/.probe" "$D/next/$label.pem"
        why "$E" full; tell "item $s_i $K" "$staged could not be written whole${E:+: $E}"
      done
    }
    stage_term() {
      D=$base/.certfleet/$RID/$T
      if ! usable || ! own_dir "$base/.certfleet"; then refuse_all "$K" "$*" "$E"; return; fi
      if ! try mkdir -p "$D/new" || ! try mkdir -p "$D/old" || ! try rm -rf "$D/next" || ! try mkdir "$D/next"; then
        refuse_all "$K" "$*" "cannot write to $base: $E"; return
      fi
      chmod 700 "$base/.certfleet" 2>/dev/null
      look L "$*"
      s_rest=
      for s_i in "$@"; do
        item_$s_i; pulse
        eval "s_bad=\$bad_$p"
        if [ -n "$s_bad" ]; then tell "item $I ${s_bad%% *}" "${s_bad#* }"
        elif by_hand; then tell "item $I $K" "$E"
        else s_rest="$s_rest $s_i"
        fi
      done
      assemble "$s_rest"
      like_all "$D/next" "$s_good"
      s_at=$D/next
      if [ "$KIND" = haproxy ]; then beside_all; list_weigh "$s_good"; fi
      # all at once first: a directory of good ones costs one process
      s_whole=$s_good
      sift see_$KIND "$s_good"
      rm -f "$R/alone.cfg"
      if ! try rm -rf "$D/new" || ! try mv -f "$D/next" "$D/new"; then refuse_all "$K" "$s_good" "$E"; s_good=; fi
      if [ "$KIND" = haproxy ]; then
        s_at=$D/new
        rehearse
        printf '%s\n' "$CHECK" >"$R/baseline.$T"
      fi
      for s_i in $s_good; do say item $s_i staged; done
    }
    """#
}
