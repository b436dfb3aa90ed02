/// The shell side of activating and putting back, for HAProxy; what both terminations share comes first.
enum HAProxyActivation {
  static let library: ShellText = "\(shared)\n\(memory)\n\(activate)"

  /// Guard, previous set, and files in and out of their places. The state of item N is in `st_N`: empty, `bad`, `hot` or `move`.
  private static let shared: ShellText = #"""
    set_state() { eval "st_$1=\$2"; }
    state() { eval "ST=\${st_$1:-}"; }
    bad() { set_state "$I" bad; tell "item $I $1" "$2"; }
    # keep_all ITEMS: before anything is changed anywhere on this node: is all staged, is nothing changed by hand, is the previous set kept?
    keep_all() {
      look L "$*"
      look G "$*"
      a_keep=
      for a_i in "$@"; do
        item_$a_i
        pulse
        if by_hand; then bad "$K" "$E"; continue; fi
        if [ "$LEAF" != "$new" ]; then
          eval "LEAF=\$G_$I"
          if [ "$LEAF" != "$new" ]; then bad nokey 'it is not staged on this node'; continue; fi
        fi
        a_keep="$a_keep $a_i"
      done
      if [ "$KIND" = haproxy ] && [ -n "$CRTLIST" ]; then
        list_rivals "$a_keep"
        a_list=$a_keep; a_keep=
        for a_i in $a_list; do
          item_$a_i
          if rival_stands; then bad hand "$E"; else a_keep="$a_keep $a_i"; fi
        done
      fi
      if [ -d "$D/old" ]; then link_old "$a_keep"; fi
      for a_i in $a_keep; do
        item_$a_i
        if { [ ! -d "$D/old" ] && ! try mkdir -p "$D/old"; } || ! keep_beside "$D/old" || ! keep_old "$target" "$D/old" "$label"; then bad "$K" "the previous file cannot be kept: $E"; fi
      done
    }
    # link_old ITEMS: a second name keeps the old file without a copy, since a new one gets its name by a rename. What cannot be linked (other
    # owner, no links here) is copied by keep_old.
    link_old() {
      a_links=$1
      set --
      for a_i in $a_links; do
        item_$a_i
        if [ "${target##*/}" != "$label.pem" ] || [ ! -f "$target" ] || [ -L "$target" ]; then continue; fi
        if [ -e "$D/old/$label.pem" ] || [ -e "$D/old/$label.absent" ]; then continue; fi
        set -- "$@" "$target"
        if [ $# -ge 100 ]; then ln "$@" "$D/old/" 2>/dev/null; set --; fi
      done
      if [ $# -gt 0 ]; then ln "$@" "$D/old/" 2>/dev/null; fi
    }
    # place_all: what is not bad gets its name, a directory at a time. What does not, into_place tries again and tells why.
    place_all() {
      set --
      a_dir=
      for a_n in $ALL; do
        item_$a_n; state $a_n
        if [ "$ST" = bad ] || [ ! -s "$staged" ] || [ "${target##*/}" != "$label.pem" ]; then continue; fi
        if [ "${target%/*}" != "$a_dir" ] || [ $# -ge 100 ]; then
          if [ $# -gt 0 ]; then mv -f "$@" "$a_dir/" 2>/dev/null; set --; fi
          a_dir=${target%/*}
        fi
        if [ -d "$a_dir" ]; then set -- "$@" "$staged"; fi
      done
      if [ $# -gt 0 ]; then mv -f "$@" "$a_dir/" 2>/dev/null; fi
    }
    # source_of: sets SRC to where the new PEM lies
    source_of() { if [ -s "$staged" ]; then SRC=$staged; else SRC=$target; fi; }
    # into_place: the staged file gets its name
    into_place() {
      if [ ! -s "$staged" ]; then return 0; fi
      i_dir=${target%/*}
      if [ ! -d "$i_dir" ]; then
        try mkdir -p "$i_dir" || return 1
        i_like=$(owner_of "$base"); chmod "${i_like#* }" "$i_dir"; chown "${i_like% *}" "$i_dir" 2>/dev/null
      fi
      try mv -f "$staged" "$target"
    }
    # put_back OLD-DIR: all that HAProxy reads for it as it was before; false where it cannot be
    put_back() {
      if [ -e "$1/$label.pem" ]; then beside_back "$1" key && put "$1/$label.pem" "$target" || return 1
      elif [ -e "$1/$label.absent" ]; then try rm -f "$target" || return 1
      else return 0
      fi
      beside_back "$1" 'ocsp issuer sctl' && lines_back "$1"
    }
    """#

  /// What HAProxy's memory is told.
  private static let memory: ShellText = #"""
    # hot_open ITEMS: sets CAN when the stats socket may be used, else WHY
    hot_open() {
      CAN=; WHY=; LISTS=; LISTS_SAID=; l_last=
      if [ "$HOT" = none ] && [ -n "$COLD" ]; then
        WHY=$COLD
        if open_cli; then LISTS=1; fi
        return
      fi
      if [ "$HOT" = none ]; then
        WHY='this HAProxy is older than 2.1, or nothing here can talk to its socket'; return
      fi
      if ! open_cli; then WHY=$E; return; fi
      LISTS=1
      a_try=0
      while :; do
        open_transaction
        if [ -z "$OPEN" ]; then CAN=1; return; fi
        # left open by a step of ours that was cut: abort it. Somebody else's: give them five seconds.
        for a_i in $ALL; do
          item_$a_i
          if [ "$OPEN" = "$target" ] && one_word "$OPEN"; then ask "abort ssl cert $OPEN"; break; fi
        done
        a_try=$((a_try+1))
        if [ $a_try -gt 5 ]; then WHY="a transaction about $OPEN is open in HAProxy; to drop it: abort ssl cert $OPEN"; return; fi
        if [ $a_try -gt 1 ]; then sleep 1; fi
        open_cli || { WHY=$E; return; }
      done
    }
    # where_new: sets NAME and LIST for a certificate that memory does not have
    where_new() {
      if [ "$HOT" != replaceAndAdd ]; then K=socket; E='a new certificate needs a reload before HAProxy 2.2'; return 1; fi
      if list_name "${CRTLIST:-${target%/*}}"; then
        if [ -n "$CRTLIST" ]; then NAME=$target; else NAME=$LIST/${target##*/}; fi
        return 0
      fi
      # An operator-level socket lists certificates, but tells of no list and adds nothing: a reload brings it in.
      case $LISTS_SAID in *'ermission denied'*) K=socket; E="the socket $SOCK may not change certificates"; return 1 ;; esac
      K=unused
      E="nothing in the running configuration loads ${CRTLIST:-${target%/*}}: add 'crt' with that directory, or a 'crt-list', to the bind line"
      return 1
    }
    # hot_one: the new PEM into memory
    hot_one() {
      source_of
      eval "k_sum=\$k_sum_$I"
      if [ "$SRC" != "$staged" ]; then k_sum=; fi
      if remembered; then h_known=1; else h_known=; fi
      new_numbers "$SRC"
      if [ -n "$h_known" ]; then
        if [ -n "$SHA1" ] && [ "$MSHA1" = "$SHA1" ] && [ "$MSTATUS" = Used ]; then return 0; fi
        if [ "$MSTATUS" = Unused ] && where_new; then hot_new "$NAME" "$SRC"; return; fi
        hot_set "$NAME" "$SRC"
      else
        where_new && hot_new "$NAME" "$SRC"
      fi
    }
    # hot_back OLD-DIR: what memory held before
    hot_back() {
      if [ -e "$1/$label.pem" ]; then
        memory_name "$target" || { E='memory does not hold it'; return 1; }
        serial_sha1 "$1/$label.pem"; k_sum=
        memory "$NAME"
        if [ -n "$SHA1" ] && [ "$MSHA1" = "$SHA1" ]; then return 0; fi
        hot_set "$NAME" "$1/$label.pem" "$1/$label.beside"
      elif [ -e "$1/$label.absent" ]; then
        if ! memory_name "$target"; then return 0; fi
        list_name "${CRTLIST:-${target%/*}}"
        hot_del "$NAME" || { E="del ssl cert: $(flat "$A")"; return 1; }
      fi
    }
    # reloaded FILE: did the process take it up? Where the socket told nothing before, the command's exit status has to do.
    reloaded() {
      if [ -z "$LISTS" ]; then return 0; fi
      serial_sha1 "$1"
      a_end=$(($(now)+60))
      while [ $(now) -le $a_end ]; do
        if open_cli && memory_name "$target"; then
          memory "$NAME"
          if [ -n "$SHA1" ] && [ "$MSHA1" = "$SHA1" ]; then return 0; fi
        fi
        nap
      done
      E="a minute after the reload memory holds serial ${MSERIAL:-nothing} instead of $SERIAL"
      return 1
    }
    # reload_haproxy FILE: check, reload, wait; on failure E and K
    reload_haproxy() {
      clock; a_start=$CLOCK; E=
      if ! reload_$T; then
        E="the reload failed: ${E:-$(said)}"; K=reload; return 1
      fi
      if [ -n "$1" ] && ! reloaded "$1"; then K=reload; return 1; fi
      clock; TOOK=$((CLOCK-a_start))
    }
    """#

  /// One batch on one HAProxy.
  private static let activate: ShellText = #"""
    activate_haproxy() {
      ALL=$*; TOOK=0; RELOADS=0
      a_base=$(cat "$R/baseline.$T" 2>/dev/null)
      # what cannot be reloaded can still go into memory, at whatever price
      if [ "$a_base" = fail ] && [ -n "$COLD" ]; then COLD=; HOT=$WARM; fi
      hot_open
      if [ -n "$CAN" ]; then remember "$ALL"; fi
      # memory first, one certificate at a time: what is refused here never touched the disk
      a_need=
      for a_n in $ALL; do
        item_$a_n; state $a_n
        pulse
        if [ "$ST" = bad ]; then continue; fi
        eval "a_lines=\${RIVAL_$I-}"
        if [ -n "$a_lines" ]; then WHY="its line takes the place of another one in $CRTLIST"
        elif [ -n "$CAN" ]; then
          if hot_one; then set_state $a_n hot; continue; fi
          case $K in socket) WHY=$E ;; *) bad "$K" "$E"; continue ;; esac
        fi
        if [ "$a_base" = fail ]; then
          bad config "it needs a reload ($WHY), but HAProxy's own check already refuses the configuration as it is"; continue
        fi
        set_state $a_n move
      done
      # then the disk
      aside_all
      place_all
      list_new
      for a_n in $ALL; do
        item_$a_n; state $a_n
        if [ "$ST" = bad ]; then continue; fi
        if into_place; then
          if has_line; then
            if [ "$ST" = move ]; then a_need=$target; fi
            continue
          fi
        fi
        a_k=$K; a_e=$E
        put_back "$D/old"
        if [ "$ST" = hot ]; then hot_back "$D/old"; fi
        bad "$a_k" "$a_e"
      done
      a_fail=
      if [ -n "$a_need" ]; then
        if [ "$a_base" = fail ]; then CHECK=unknown; else check_set; fi
        a_need=
        for a_n in $ALL; do item_$a_n; state $a_n; if [ "$ST" = move ]; then a_need=$target; fi; done
        if [ -z "$a_need" ]; then :
        else
          target=$a_need
          if ! reload_haproxy "$a_need"; then
            a_fail=$K; a_text=$E
            # the old files first, then one more reload, then the words
            for a_n in $ALL; do
              item_$a_n; state $a_n
              if [ "$ST" = move ]; then put_back "$D/old"; fi
            done
            RELOADS=2
            if ! reload_haproxy ''; then a_text="$a_text; with the old set in place again: $E"; fi
            undo move "$ALL"
          else
            RELOADS=1
          fi
        fi
      elif [ "$a_base" = pass ]; then
        # all went into memory; could the node restart with what is on the disk now?
        check_set
      fi
      for a_n in $ALL; do
        item_$a_n; state $a_n
        case $ST in
          bad) continue ;;
          hot) say item $a_n active hot ;;
          move) say item $a_n active reload ;;
        esac
      done
      if [ "$a_base" = fail ]; then say cannot-restart $T; fi
      tell "term $T $RELOADS $TOOK" "$WHY"
    }
    # has_line: stands the present item in the crt-list file? A file that was there before may have had no line.
    has_line() {
      if [ -z "$CRTLIST" ] || listed "$target"; then return 0; fi
      eval "a_lines=\${RIVAL_$I-}"
      if [ -z "$a_lines" ]; then crt_line add "$target"; return; fi
      K=refused; E="its line could not take the place of line${a_lines} of $CRTLIST${E:+: $E}"
      return 1
    }
    # check_set: the configuration's check on what is on the disk now. Those that its complaint names go back, each with the words about it, and it
    # is asked again; where it names none of them, those that need a reload go back, then all.
    check_set() {
      a_round=0
      while :; do
        config_check
        if [ "$CHECK" != fail ]; then return 0; fi
        a_fail=config; a_all="HAProxy's check refuses the new set: $E"
        grep ALERT "$OUT" >"$R/alerts" 2>/dev/null; a_round=$((a_round+1)); a_moves=; a_named=
        for a_n in $ALL; do
          item_$a_n; state $a_n
          if [ "$ST" = move ]; then a_moves="$a_moves $a_n"; fi
          if [ "$ST" = bad ] || [ $a_round -gt 8 ]; then continue; fi
          a_own=$(sed -n -e "s/^\[[A-Z]*\][^:]*: *//" -e '/\/'"$(printf '%s' "${target##*/}" | sed 's/[^A-Za-z0-9_-]/\\&/g')"'[^A-Za-z0-9_-]/p' "$R/alerts" | head -n 1)
          if [ -z "$a_own" ]; then continue; fi
          a_named=1; a_text="HAProxy's check refuses it: $a_own"; undo "$ST" $a_n
        done
        if [ -n "$a_named" ]; then continue; fi
        a_text=$a_all
        if [ -n "$a_moves" ]; then undo move "$a_moves"; else undo hot "$ALL"; return 0; fi
      done
    }
    # undo STATE ITEMS: every one in that state back as it was, and said so
    undo() {
      for a_u in $2; do
        item_$a_u; state $a_u
        if [ "$ST" != "$1" ]; then continue; fi
        a_stuck=
        put_back "$D/old" || a_stuck="; the old file could not be put back: $E"
        if [ "$1" = hot ] && ! hot_back "$D/old"; then a_stuck="$a_stuck; memory could not be put back: $E"; fi
        if [ -n "$a_stuck" ]; then bad stuck "$a_text$a_stuck"; else bad "$a_fail" "$a_text"; fi
      done
    }
    """#
}
