/// The files that HAProxy reads beside a PEM: `X.pem.key`, `.ocsp`, `.issuer`, `.sctl`. They are part of what a certificate was before.
///
/// As HAProxy 2.6 takes them: a key apart is read only where the PEM holds none; an `.ocsp` that speaks of another certificate is ignored with
/// a warning, unless an `.issuer` of another CA lies there too, which ends the start; a `.sctl` that cannot be read ends it as well. In memory
/// `set ssl cert` of the PEM drops all of them.
enum SideFiles {
  static let library: ShellText = #"""
    # del_ext: does the configuration take `.crt` away before it adds an extension?
    del_ext() {
      if [ "${x_for-}" != "$T" ]; then
        x_for=$T; x_del=
        if configuration_$T 2>/dev/null | grep -q '^[[:space:]]*ssl-load-extra-del-ext'; then x_del=1; fi
      fi
      [ -n "$x_del" ]
    }
    # side_stem: sets STEM to what HAProxy adds the extensions to, for the present item
    side_stem() {
      STEM=$target
      case $target in *.crt) if del_ext; then STEM=${target%.crt}; fi ;; esac
    }
    # sides: sets SIDES to the extensions of what lies beside the present item's target
    sides() {
      SIDES=
      if [ "$KIND" != haproxy ]; then return 0; fi
      side_stem
      for x_e in key ocsp issuer sctl; do if [ -e "$STEM.$x_e" ]; then SIDES="$SIDES $x_e"; fi; done
    }
    # keep_beside OLD-DIR: once, what lies beside the target, and the knowledge that the crt-list has no line for a file that is there
    keep_beside() {
      if [ -d "$1/$label.beside" ]; then return 0; fi
      sides
      x_un=
      if [ "$KIND" = haproxy ] && [ -n "$CRTLIST" ] && [ -e "$target" ] && ! in_list "$target"; then x_un=1; fi
      if [ -z "$SIDES$x_un" ]; then return 0; fi
      x_tmp=$1/.$label.beside
      try mkdir -p "$x_tmp" || return 1
      for x_e in $SIDES; do
        try cp -p "$STEM.$x_e" "$x_tmp/$x_e" && try cmp "$STEM.$x_e" "$x_tmp/$x_e" || return 1
      done
      if [ -n "$x_un" ]; then printf '' >"$x_tmp/unlisted"; fi
      try mv -f "$x_tmp" "$1/$label.beside"
    }
    # beside_back OLD-DIR EXTENSIONS: what lay beside it lies there again
    beside_back() {
      if [ "$KIND" != haproxy ] || [ ! -d "$1/$label.beside" ]; then return 0; fi
      side_stem
      for x_e in $2; do
        x_f=$1/$label.beside/$x_e
        if [ -e "$x_f" ] && ! cmp -s "$x_f" "$STEM.$x_e"; then put "$x_f" "$STEM.$x_e" || return 1; fi
      done
    }
    # aside_all: takes away what belongs to the certificate that makes way, before that does: HAProxy would start with any state in between. A
    # key stays, for it is not read any more.
    aside_all() {
      for a_n in $ALL; do
        item_$a_n; state $a_n
        if [ "$ST" = bad ] || [ ! -s "$D/new/.$label.aside" ] || [ ! -s "$staged" ]; then continue; fi
        side_stem
        read -r x_list <"$D/new/.$label.aside"
        for x_e in $x_list; do
          if [ -e "$D/old/$label.beside/$x_e" ] && ! try rm -f "$STEM.$x_e"; then
            x_k=$K; x_t="$STEM.$x_e cannot be taken away: $E"
            beside_back "$D/old" 'ocsp issuer sctl'; bad "$x_k" "$x_t"; break
          fi
        done
      done
    }
    """#

  /// What staging makes of them.
  static let weighing: ShellText = #"""
    # fits ISSUER-FILE PEM: is it the one who signed the leaf?
    fits() {
      x_have=$(openssl x509 -in "$1" -noout -subject_hash 2>/dev/null </dev/null)
      [ -n "$x_have" ] && [ "$x_have" = "$(openssl x509 -in "$2" -noout -issuer_hash 2>/dev/null </dev/null)" ]
    }
    # pose PEM: it alone in D/look, under the target's name, with what lies beside the target but for ASIDE
    pose() {
      rm -rf "$D/look"; mkdir "$D/look" || return 1
      x_name=${target##*/}; x_stem=$x_name
      if [ "$STEM" != "$target" ]; then x_stem=${x_name%.crt}; fi
      case $1 in /*) ln -s "$1" "$D/look/$x_name" ;; *) cp -p "$1" "$D/look/$x_name" ;; esac
      for x_e in key $SIDES; do
        case " $ASIDE " in *" $x_e "*) continue ;; esac
        if [ ! -e "$STEM.$x_e" ]; then continue; fi
        case $STEM in /*) ln -s "$STEM.$x_e" "$D/look/$x_stem.$x_e" ;; *) cp -p "$STEM.$x_e" "$D/look/$x_stem.$x_e" ;; esac
      done
    }
    # passes PEM: does HAProxy take it so? Else E has its words about the real place.
    passes() {
      pose "$1" || return 1
      alone_haproxy "$D/look/" && return 0
      swap "$D/look/" "${target%/*}/"
      return 1
    }
    # weigh: what becomes of what lies beside the present item's target. Sets ASIDE to what goes aside with the old certificate, as it belongs to
    # it or may be overwritten; false, with E, where it is somebody else's and spoils the new one.
    weigh() {
      ASIDE=; x_need=; E=; x_words=
      eval "LEAF=\$L_$I"
      for x_w in $SIDES; do
        case $x_w in
          issuer)
            if ! fits "$STEM.issuer" "$s_at/$label.pem"; then
              x_need="$x_need issuer"
              x_who=$(openssl x509 -in "$STEM.issuer" -noout -subject 2>/dev/null </dev/null | sed 's/^subject= *//')
              x_words="beside it lies $STEM.issuer of another CA (${x_who:-not a certificate})"
            fi ;;
          # each speaks of one leaf
          ocsp|sctl) if [ "$LEAF" != "$new" ]; then x_need="$x_need $x_w"; fi ;;
        esac
      done
      if [ -z "$x_need" ]; then
        passes "$s_at/$label.pem" && return 0
        x_need=" ${SIDES# }"
      fi
      case " $expect " in *' any '*) ASIDE=$x_need; return 0 ;; esac
      case $LEAF in
        none|unreadable|"$new") ;;
        *) if passes "$target"; then ASIDE=$x_need; return 0; fi ;;
      esac
      # a response about another certificate is ignored
      x_said=
      if passes "$s_at/$label.pem"; then
        if [ -z "$x_words" ]; then case $x_need in *sctl*) ;; *) return 0 ;; esac; fi
      else x_said=$E
      fi
      if [ -z "$x_words" ]; then
        for x_w in $x_need; do
          ASIDE=$x_w
          if passes "$s_at/$label.pem"; then x_words="beside it lies $STEM.$x_w, which is not of this certificate"; break; fi
        done
        ASIDE=
        if [ -z "$x_words" ]; then x_words="what lies beside it ($STEM.${x_need# }) is not of this certificate"; fi
      fi
      E="$x_words${x_said:+ (HAProxy says: $x_said)}. Take it away, or certfleet retry, which puts it aside"
      return 1
    }
    # beside_all: weighs what lies beside each target; what fits is seen together with the new PEM from here on
    beside_all() {
      s_rest=$s_good; s_good=
      for s_i in $s_rest; do
        item_$s_i
        sides
        # HAProxy does not read a key apart where the PEM has one
        SIDES=${SIDES# key}; SIDES=${SIDES# }
        if [ -z "$SIDES" ]; then s_good="$s_good $s_i"; continue; fi
        beat
        if ! weigh; then
          rm -f "$s_at/$label.pem"; tell "item $I pem" "$E"; continue
        fi
        if [ -n "$ASIDE" ]; then printf '%s\n' "$ASIDE" >"$s_at/.$label.aside"; fi
        s_good="$s_good $s_i"
      done
      rm -rf "$D/look"
    }
    """#
}
