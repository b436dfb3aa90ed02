/// The shell side of rolling back, verifying and cleaning up.
enum RollBackShell {
  /// `roll_back ITEMS`. An item that this rollout never touched here says so and is left alone.
  static let library: ShellText = #"""
    old_dir() { if [ -n "$PREVIOUS" ]; then OLDDIR=$base/.certfleet/previous; else OLDDIR=$D/old; fi; }
    # replaced: true when an operator's rollback finds what neither this rollout's set nor the kept one explains
    replaced() {
      [ -n "$PREVIOUS" ] || return 1
      leaf "$target"
      case $LEAF in none|"$new") return 1 ;; esac
      case " $expect " in *" $LEAF "*) return 1 ;; esac
      r_now=$LEAF; leaf "$OLDDIR/$label.pem"
      if [ "$r_now" = "$LEAF" ]; then return 1; fi
      serial_sha1 "$target"
      E="$target holds the certificate with serial ${SERIAL:-unreadable}, which certfleet did not put there"
    }
    roll_back() {
      ALL=$*; TOOK=0; RELOADS=0; WHY=; CAN=
      a_need=; a_any=; a_base=; a_odd=
      if [ "$KIND" = haproxy ]; then hot_open; fi
      for a_n in $ALL; do
        item_$a_n; old_dir
        beat
        set_state $a_n ''
        if [ "$base" != "$a_base" ]; then a_base=$base; a_odd=; own_dir "$base/.certfleet" || a_odd=$E; fi
        if [ -n "$a_odd" ]; then set_state $a_n bad; bad denied "$a_odd"; continue; fi
        if [ ! -e "$OLDDIR/$label.pem" ] && [ ! -e "$OLDDIR/$label.absent" ]; then
          set_state $a_n bad; say item $a_n untouched; continue
        fi
        if replaced; then bad hand "$E"; continue; fi
        a_any=1
        # memory first, while the file still tells under which name it is known
        if [ "$KIND" = haproxy ] && [ -n "$CAN" ] && hot_back "$OLDDIR"; then set_state $a_n hot
        else
          if [ "$KIND" = haproxy ]; then WHY=${WHY:-$E}; fi
          set_state $a_n move; a_need=1
        fi
        if ! put_back "$OLDDIR"; then bad stuck "the old file could not be put back: $E"; continue; fi
        if [ "$KIND" = stunnel ] && ! sections_back "$OLDDIR"; then bad stuck "the old sections could not be put back: $E"; fi
      done
      a_rc=0; E=
      if [ -n "$a_need" ]; then
        if [ "$KIND" = stunnel ]; then reload_stunnel; a_rc=$?
        else RELOADS=1; reload_haproxy '' || a_rc=1
        fi
      fi
      for a_n in $ALL; do
        item_$a_n; state $a_n
        case $ST in
          bad) continue ;;
          hot) say item $a_n back hot ;;
          *)
            case $a_rc in
              0) say item $a_n back reload ;;
              2) say item $a_n back unconfirmed ;;
              *) tell "item $a_n stuck" "the old file is back, yet: $E" ;;
            esac ;;
        esac
      done
      tell "term $T $RELOADS $TOOK" "$WHY"
    }
    """#
}

/// The shell side of looking.
enum InspectShell {
  /// `inspect ITEMS`: for each `item N DISK LEAF SERIAL MEMORY SERIAL SHA1`.
  static let library: ShellText = #"""
    inspect() {
      v_open=
      if [ "$KIND" = haproxy ] && [ "$HOT" != none ] && open_cli; then v_open=1; fi
      if [ "$KIND" = haproxy ] && [ -z "$v_open" ]; then tell "blind $T" "${E:-HAProxy is older than 2.1}"; fi
      look L "$*"
      if [ -n "$v_open" ]; then remember "$*"; fi
      for v_i in "$@"; do
        item_$v_i
        pulse
        eval "v_leaf=\$L_$I; v_serial=\$sL_$I"
        v_want=$new
        if [ -n "$OLD" ]; then
          v_old=$D/old
          if [ -n "$PREVIOUS" ]; then v_old=$base/.certfleet/previous; fi
          if [ -e "$v_old/$label.pem" ]; then leaf "$v_old/$label.pem"; v_want=$LEAF
          elif [ -e "$v_old/$label.absent" ]; then v_want=none
          else v_want=$v_leaf   # never touched here: what lies there is the old set
          fi
        fi
        SHA1=
        if [ -n "$v_open" ] && [ "$v_leaf" != none ]; then
          if [ "$v_leaf" = "$new" ]; then new_numbers "$target"; else serial_sha1 "$target"; fi
        fi
        v_sha1=$SHA1
        if [ "$v_leaf" = "$v_want" ]; then v_disk=same; else v_disk=other; fi
        MSERIAL=; MSHA1=; v_memory=unknown
        if [ -n "$v_open" ]; then
          if remembered; then
            if [ -z "$MSHA1" ]; then v_memory=absent
            elif [ "$v_disk" = same ] && [ "$MSHA1" = "$v_sha1" ]; then
              if [ "$MSTATUS" = Used ]; then v_memory=same; else v_memory=unused; fi
            else v_memory=other
            fi
          elif [ "$v_want" = none ]; then v_memory=same
          else v_memory=absent
          fi
        fi
        # memory forgets with the next reload; the list is what counts then
        if [ "$KIND" = haproxy ] && [ -n "$CRTLIST" ] && [ -z "$OLD" ] && [ -r "$CRTLIST" ] && ! in_list "$target"; then
          tell "unlisted $v_i" "$CRTLIST"
        fi
        say item $v_i $v_disk "$v_leaf" "${v_serial:--}" $v_memory "${MSERIAL:--}" "${MSHA1:--}"
      done
    }
    """#
}

/// The shell side of tidying.
enum CleanUpShell {
  /// `clean_up SUCCEEDED` for each termination, whose `target_of` tells where a label's file lies; `clean_work` once.
  static let library: ShellText = #"""
    # forget_same: takes from D/old what lies under its target as it did. This rollout did not replace it, so what was kept before stays the
    # previous one: of a rollout that was cut short and began anew, or of a node that died before its turn.
    forget_same() {
      set --
      for u_x in "$D/old"/*; do
        u_stem=${u_x##*/}
        case $u_stem in
          *.pem)
            u_stem=${u_stem%.pem}; target_of "$u_stem"
            printf '%s %s\n' "$u_stem" "$target" >&4
            set -- "$@" "$u_x" "$target" ;;
          *.absent)
            u_stem=${u_stem%.absent}; target_of "$u_stem"
            if [ ! -e "$target" ]; then printf '%s\n' "$u_stem" >&5; fi ;;
        esac
        if [ $# -ge 100 ]; then cksum "$@" >&6 2>/dev/null; set --; fi
      done 4>"$R/list" 5>"$R/same" 6>"$R/sums"
      if [ $# -gt 0 ]; then cksum "$@" >>"$R/sums" 2>/dev/null; fi
      CF_OLD=$D/old/ awk 'FILENAME==ARGV[1]{s=$1" "$2; sub(/^[^ ]* [^ ]* /,""); sum[$0]=s; next}
        {o=ENVIRON["CF_OLD"] $1 ".pem"; n=$1; sub(/^[^ ]* /,""); if((o in sum) && sum[o]==sum[$0]) print n}' \
        "$R/sums" "$R/list" >>"$R/same" 2>/dev/null
      set --
      while read -r u_stem; do
        set -- "$@" "$D/old/$u_stem.pem" "$D/old/$u_stem.absent" "$D/old/$u_stem.sections" "$D/old/$u_stem.beside"
        if [ $# -ge 100 ]; then rm -rf "$@"; set --; fi
      done <"$R/same"
      if [ $# -gt 0 ]; then rm -rf "$@"; fi
    }
    clean_up() {
      D=$base/.certfleet/$RID/$T
      if ! own_dir "$base/.certfleet"; then tell "left $T" "$E"; return; fi
      if [ -n "$1" ] && [ -d "$D/old" ]; then
        forget_same
        # what lay beside an older predecessor goes with it
        for u_x in "$D/old"/*.pem "$D/old"/*.absent; do
          u_stem=${u_x##*/}; u_stem=${u_stem%.pem}; u_stem=${u_stem%.absent}
          if [ -d "$base/.certfleet/previous/$u_stem.beside" ] && [ -e "$u_x" ]; then rm -rf "$base/.certfleet/previous/$u_stem.beside"; fi
        done
        if ! try mkdir -p "$base/.certfleet/previous"; then tell "left $T" "$E"; return; fi
        u_old=$base/.certfleet/previous
        set --
        for u_x in "$D/old"/*; do
          if [ ! -e "$u_x" ]; then continue; fi
          u_name=${u_x##*/}
          u_stem=${u_name%.pem}; u_stem=${u_stem%.absent}; u_stem=${u_stem%.sections}
          case $u_name in
            *.sections|*.beside) rm -rf "$u_old/$u_name" ;;
            *.pem) if [ -e "$u_old/$u_stem.absent" ]; then rm -f "$u_old/$u_stem.absent"; fi ;;
            *) if [ -e "$u_old/$u_stem.pem" ]; then rm -f "$u_old/$u_stem.pem"; fi ;;
          esac
          set -- "$@" "$u_x"
          if [ $# -ge 100 ]; then try mv -f "$@" "$u_old/" || { tell "left $T" "$E"; return; }; set --; fi
        done
        if [ $# -gt 0 ] && ! try mv -f "$@" "$u_old/"; then tell "left $T" "$E"; return; fi
        # a tool may lie, and what follows would throw the previous set away
        for u_x in "$D/old"/*; do
          if [ -e "$u_x" ]; then tell "left $T" "$u_x is still there"; return; fi
        done
      fi
      if ! try rm -rf "$base/.certfleet/$RID/$T"; then tell "left $T" "$E"; return; fi
      if [ -e "$base/.certfleet/$RID/$T" ]; then tell "left $T" "$base/.certfleet/$RID/$T is still there"; return; fi
      rmdir "$base/.certfleet/$RID" 2>/dev/null
      # what rollouts left that were killed days ago
      if [ -d "$base/.certfleet" ]; then
        find "$base/.certfleet" -mindepth 1 -maxdepth 1 -type d ! -name previous -mtime +2 -exec rm -rf '{}' ';' 2>/dev/null
      fi
      say clean $T
    }
    clean_work() {
      # what was seen of files is worth keeping, but not for ever
      for u_known in "$W/seen" "$W/sans"; do
        if ! [ "$(wc -l <"$u_known" 2>/dev/null)" -gt 20000 ] 2>/dev/null; then continue; fi
        tail -n 10000 "$u_known" >"$R/known" && mv -f "$R/known" "$u_known"
      done
      TMPDIR=$W
      rm -rf "$R"
      if [ -e "$R" ]; then tell 'left work' "$R is still there"; fi
      find "$W/rollouts" -mindepth 1 -maxdepth 1 -type d -mtime +2 -exec rm -rf '{}' ';' 2>/dev/null
      say clean work
    }
    """#
}
