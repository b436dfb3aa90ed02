/// The shell side of seeing: what lies on the disk, whether a line names it, what memory holds.
enum LookShell {
  /// `see ITEMS`: for each `item N LEAF SERIAL MEMORY SERIAL SHA1 LIST`, and for a file with another leaf `odd N ENDDATE|ISSUER`.
  static let library: ShellText = #"""
    # listing: reads the list file or the sections once. LISTKNOWN is empty where nobody can tell.
    listing() {
      LISTED=; LISTKNOWN=
      case $KIND in
        haproxy)
          if [ -z "$CRTLIST" ]; then return 0; fi
          if [ -e "$CRTLIST" ] && [ ! -r "$CRTLIST" ]; then return 0; fi
          LISTED=$(awk '{print $1}' "$CRTLIST" 2>/dev/null)
          # an alias of a crt-store tells no path
          case "$NL$LISTED" in *"$NL@"*) return 0 ;; esac
          LISTKNOWN=1 ;;
        stunnel)
          if [ ! -r "$CONF" ] || grep -Eq '^[[:space:]]*chroot[[:space:]]*=' "$CONF"; then return 0; fi
          LISTKNOWN=1
          g_dirs=$(sed -n 's/^[[:space:]]*include[[:space:]]*=[[:space:]]*//p' "$CONF" | sed 's/[[:space:]]*$//')
          set -- "$CONF"
          for g_dir in $g_dirs; do
            if [ ! -r "$g_dir" ]; then LISTKNOWN=; fi
            for g_x in "$g_dir"/*; do
              if [ ! -f "$g_x" ]; then continue; fi
              if [ ! -r "$g_x" ]; then LISTKNOWN=; continue; fi
              set -- "$@" "$g_x"
              if [ $# -ge 100 ]; then section_certs "$@"; set --; fi
            done
          done
          if [ $# -gt 0 ]; then section_certs "$@"; fi ;;
      esac
    }
    section_certs() { LISTED=$LISTED$NL$(sed -n 's/^[[:space:]]*cert[[:space:]]*=[[:space:]]*//p' "$@" | sed 's/[[:space:]]*$//'); }
    # in_list: sets V_LIST for the present item. A line may name the file by another path, so its name has to do.
    in_list() {
      V_LIST=unknown
      if [ -z "$LISTKNOWN" ]; then return 0; fi
      case "$NL$LISTED$NL" in
        *"$NL$target$NL"*|*"/${target##*/}$NL"*|*"$NL${target##*/}$NL"*) V_LIST=named ;;
        *) V_LIST=missing ;;
      esac
    }
    see() {
      v_open=
      if [ "$KIND" = haproxy ] && [ "$HOT" != none ] && open_cli; then v_open=1; fi
      look L "$*"
      if [ -n "$v_open" ]; then remember "$*"; fi
      listing
      for v_i in "$@"; do
        item_$v_i
        pulse
        eval "v_leaf=\$L_$I; v_serial=\$sL_$I"
        MSERIAL=; MSHA1=; MSTATUS=; v_memory=unknown
        if [ -n "$v_open" ]; then
          v_memory=absent
          if remembered && [ -n "$MSHA1" ]; then
            case $MSTATUS in Unused) v_memory=unused ;; *) v_memory=used ;; esac
          fi
        fi
        in_list
        say item $v_i "$v_leaf" "${v_serial:--}" $v_memory "${MSERIAL:--}" "${MSHA1:--}" $V_LIST
        case $v_leaf in
          none|unreadable|"$new") ;;
          *) tell "odd $v_i" "$(openssl x509 -in "$target" -noout -enddate -issuer 2>/dev/null | sed -n \
               -e 's/^notAfter=//p' -e 's/^issuer=.*CN *= *\([^,/]*\).*$/|\1/p' | tr -d '\n')" ;;
        esac
      done
      rm -f "$R"/*
      find "$W" -maxdepth 1 -name 'look.*' -mtime +1 -exec rm -rf '{}' ';' 2>/dev/null
    }
    """#
}
