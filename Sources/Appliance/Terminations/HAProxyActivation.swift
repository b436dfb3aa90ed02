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
        if by_hand; then bad hand "$E"; continue; fi
        if [ "$LEAF" != "$new" ]; then
          eval "LEAF=\$G_$I"
          if [ "$LEAF" != "$new" ]; then bad nokey 'it is not staged on this node'; continue; fi
        fi
        a_keep="$a_keep $a_i"
      done
      if [ -d "$D/old" ]; then link_old "$a_keep"; fi
      for a_i in $a_keep; do
        item_$a_i
        if { [ ! -d "$D/old" ] && ! try mkdir -p "$D/old"; } || ! keep_old "$target" "$D/old" "$label"; then bad "$K" "the previous file cannot be kept: $E"; fi
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
    # list_read: sets LISTED to the first words of the crt-list's lines
    list_read() { LISTED=$(awk '{print $1}' "$CRTLIST" 2>/dev/null); }
    listed() { case "$NL$LISTED$NL" in *"$NL$1$NL"*) return 0 ;; esac; return 1; }
    # list_new: the lines of all new certificates that got their place, at once. What is still missing, crt_line adds and tells why.
    list_new() {
      LISTED=
      if [ -z "$CRTLIST" ]; then return 0; fi
      list_read
      for a_n in $ALL; do
        item_$a_n; state $a_n
        if [ "$ST" = bad ] || [ ! -e "$D/old/$label.absent" ] || [ ! -e "$target" ]; then continue; fi
        if one_word "$target" && ! listed "$target"; then printf '%s\n' "$target"; fi
      done >"$R/lines"
      if [ ! -s "$R/lines" ]; then return 0; fi
      c_tmp=${CRTLIST%/*}/.certfleet.list.$$
      c_min=$(cat "$CRTLIST" "$R/lines" | wc -l)
      # awk ends the last line where an editor did not
      if cp -p "$CRTLIST" "$c_tmp" 2>/dev/null && awk '{print}' "$CRTLIST" "$R/lines" >"$c_tmp" 2>/dev/null &&
        [ $(($(wc -l <"$c_tmp"))) -ge $((c_min)) ] && mv -f "$c_tmp" "$CRTLIST" 2>/dev/null; then
        LISTED=$LISTED$NL$(cat "$R/lines")
      else
        rm -f "$c_tmp"
      fi
    }
    # crt_line ADD|DEL PATH: one line of the crt-list file
    crt_line() {
      if [ -z "$CRTLIST" ]; then return 0; fi
      if ! one_word "$2"; then E="a crt-list cannot hold $2"; K=refused; return 1; fi
      c_tmp=${CRTLIST%/*}/.certfleet.list.$$
      if [ ! -w "${CRTLIST%/*}" ]; then c_tmp=$D/.certfleet.list.$$; fi
      list_read
      if [ "$1" = add ]; then
        if listed "$2"; then return 0; fi
        # awk ends the last line where an editor did not
        c_make() { cp -p "$CRTLIST" "$c_tmp" && awk -v p="$2" '{print} END{print p}' "$CRTLIST" >"$c_tmp"; }
        c_min=$(wc -l <"$CRTLIST")
      else
        if ! listed "$2"; then return 0; fi
        c_make() { cp -p "$CRTLIST" "$c_tmp" && awk -v p="$2" '$1!=p{print}' "$CRTLIST" >"$c_tmp"; }
        c_min=0
      fi
      if try c_make "$1" "$2" && [ $(($(wc -l <"$c_tmp"))) -ge $((c_min)) ]; then
        if over "$c_tmp" "$CRTLIST"; then rm -f "$c_tmp"; return 0; fi
        if try mv -f "$c_tmp" "$CRTLIST"; then return 0; fi
      fi
      rm -f "$c_tmp"
      return 1
    }
    # put_back OLD-DIR: the file as it was before; false where it cannot be
    put_back() {
      if [ -e "$1/$label.pem" ]; then put "$1/$label.pem" "$target"
      elif [ -e "$1/$label.absent" ]; then
        try rm -f "$target" && { [ "$KIND" != haproxy ] || crt_line del "$target"; }
      fi
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
        hot_set "$NAME" "$1/$label.pem"
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
      hot_open
      if [ -n "$CAN" ]; then remember "$ALL"; fi
      # memory first, one certificate at a time: what is refused here never touched the disk
      a_need=
      for a_n in $ALL; do
        item_$a_n; state $a_n
        pulse
        if [ "$ST" = bad ]; then continue; fi
        if [ -n "$CAN" ]; then
          if hot_one; then set_state $a_n hot; continue; fi
          case $K in socket) WHY=$E ;; *) bad "$K" "$E"; continue ;; esac
        fi
        if [ "$a_base" = fail ]; then
          bad config "it needs a reload ($WHY), but HAProxy's own check already refuses the configuration as it is"; continue
        fi
        set_state $a_n move
      done
      # then the disk
      place_all
      list_new
      for a_n in $ALL; do
        item_$a_n; state $a_n
        if [ "$ST" = bad ]; then continue; fi
        if into_place; then
          if [ ! -e "$D/old/$label.absent" ] || listed "$target" || crt_line add "$target"; then
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
        if [ "$a_base" = fail ]; then CHECK=unknown; else config_check; fi
        if [ "$CHECK" = fail ]; then
          a_fail=config; a_text="HAProxy's check refuses the new set: $E"
          undo move
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
            undo move
          else
            RELOADS=1
          fi
        fi
      elif [ "$a_base" = pass ]; then
        # all went into memory; could the node restart with what is on the disk now?
        config_check
        if [ "$CHECK" = fail ]; then
          a_fail=config; a_text="HAProxy's check refuses the new set: $E"
          undo hot
        fi
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
    # undo STATE: every item in that state back as it was, and said so
    undo() {
      for a_n in $ALL; do
        item_$a_n; state $a_n
        if [ "$ST" != "$1" ]; then continue; fi
        a_stuck=
        put_back "$D/old" || a_stuck="; the old file could not be put back: $E"
        if [ "$1" = hot ] && ! hot_back "$D/old"; then a_stuck="$a_stuck; memory could not be put back: $E"; fi
        if [ -n "$a_stuck" ]; then bad stuck "$a_text$a_stuck"; else bad "$a_fail" "$a_text"; fi
      done
    }
    """#
}
