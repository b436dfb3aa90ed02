/// HAProxy's own check on a copy of what it would read, with the new PEMs in it, before anything that is in use is touched.
enum ConfigurationCopy {
  static let library: ShellText = #"""
    # copy_made: a copy of the configuration in C, whose certificate directories are directories of links, and whose crt-list is a copy; false
    # where that cannot be made, and then the check after activation has to do.
    copy_made() {
      C=$D/copy
      case $C in *[!A-Za-z0-9_./@+:,=%~^-]*) return 1 ;; /*) ;; *) return 1 ;; esac
      rm -rf "$C"; mkdir "$C" 2>/dev/null || return 1
      c_n=-1; c_last=
      for s_i in $s_good; do
        item_$s_i
        c_dir=${target%/*}
        if [ "$c_dir" != "$c_last" ]; then
          case $c_dir in *[!A-Za-z0-9_./@+:,=%~^-]*) return 1 ;; /*) ;; *) return 1 ;; esac
          c_last=$c_dir; c_n=$((c_n+1))
          printf '%s %s\n' $c_n "$c_dir" >&4
          mkdir "$C/d$c_n" || return 1
          set --
          for c_x in "$c_dir"/*; do
            if [ ! -f "$c_x" ]; then continue; fi
            set -- "$@" "$c_x"
            if [ $# -ge 200 ]; then pulse; ln -s "$@" "$C/d$c_n/" 2>/dev/null || return 1; set --; fi
          done
          if [ $# -gt 0 ]; then ln -s "$@" "$C/d$c_n/" 2>/dev/null || return 1; fi
        fi
        eval "c_at_$I=\$c_n"
      done 4>"$R/dirs"
      crt_base
      copies_$T
    }
    # mapped FILES: their text with the paths of the copy. List files: the first word of each line.
    mapped() {
      CF_C=$C CF_L=$CRTLIST CF_B=$CRTBASE CF_LIST=$1 awk '
        function map(w,  s,d){
          gsub(/"/,"",w); if(w=="" || w~/^@/) return ""
          if(substr(w,1,1)!="/"){if(base=="") return ""; w=base "/" w}
          if(list!="" && w==list) return c "/list"
          s=w; sub(/\/+$/,"",s); if(s in dir) return c "/d" dir[s]
          d=s; sub(/\/[^\/]*$/,"",d); sub(/^.*\//,"",s); if(d in dir) return c "/d" dir[d] "/" s
          return ""}
        BEGIN{c=ENVIRON["CF_C"]; list=ENVIRON["CF_L"]; base=ENVIRON["CF_B"]; lines=ENVIRON["CF_LIST"]}
        FILENAME==ARGV[1]{n=$1; sub(/^[^ ]* /,""); dir[$0]=n; next}
        /^[ \t]*#/{print; next}
        lines!=""{if(NF && (m=map($1))!=""){sub(/^[ \t]*[^ \t]+/,""); print m $0} else print; next}
        {for(i=2;i<=NF;i++) if(($(i-1)=="crt"||$(i-1)=="crt-list"||substr($i,1,1)=="/"||substr($i,1,2)=="\"/") && $1!="crt-base" && (m=map($i))!="") $i=m; print}' \
        "$R/dirs" "$2" 2>/dev/null
    }
    # copy_one NUMBER PATH: a file of the configuration, or a directory of them
    copy_one() {
      if [ -d "$2" ]; then
        mkdir "$C/c$1" || return 1
        for c_x in "$2"/*.cfg; do
          if [ ! -e "$c_x" ]; then continue; fi
          if [ ! -r "$c_x" ]; then return 1; fi
          mapped '' "$c_x" >"$C/c$1/${c_x##*/}" || return 1
        done
      else
        [ -r "$2" ] && mapped '' "$2" >"$C/c$1"
      fi
    }
    # copy_link FILE PLACE
    copy_link() { case $1 in /*) ln -s "$1" "$2" ;; *) cp -p "$1" "$2" ;; esac; }
    # see_copy: those of s_good and s_try lie there new, all others as they are. What goes aside is not there.
    see_copy() {
      set --
      for c_i in $s_all; do
        item_$c_i
        eval "c_d=$C/d\$c_at_$I"
        set -- "$@" "$c_d/${target##*/}"
      done
      rm -f "$@"
      printf '' >"$R/links"
      for c_i in $s_all; do
        item_$c_i
        eval "c_d=$C/d\$c_at_$I"
        case " $s_good $s_try " in *" $c_i "*) c_new=1; c_src=$s_at/$label.pem ;; *) c_new=; c_src=$target ;; esac
        if [ -e "$c_src" ]; then printf '%s %s\n' "$c_src" "$c_d/${target##*/}" >&4; fi
        if [ ! -s "$s_at/.$label.aside" ]; then continue; fi
        side_stem
        read -r c_list <"$s_at/.$label.aside"
        for c_x in $c_list; do
          rm -f "$c_d/${STEM##*/}.$c_x"
          if [ -z "$c_new" ]; then copy_link "$STEM.$c_x" "$c_d/${STEM##*/}.$c_x"; fi
        done
      done 4>"$R/links"
      # one process for all that lie in one directory under the same name
      awk '{s=$1; d=$2; a=s; sub(/\/[^\/]*$/,"",a); sub(/^.*\//,"",s); b=d; sub(/\/[^\/]*$/,"",b); sub(/^.*\//,"",d)
        k=(s==d)?a " " b:$1 " " $2; g[k]=g[k] " " $1; if(s==d) n[k]=b; else n[k]=$2}
        END{for(k in g) print n[k] g[k]}' "$R/links" >"$R/list"
      while read -r c_to c_from; do printf '%s\n' $c_from | CF_TO=$c_to xargs sh -c 'ln -s "$@" "$CF_TO"' sh 2>/dev/null; done <"$R/list"
      if [ -n "$CRTLIST" ]; then
        list_text "$s_good $s_try" >"$R/list.copy" && mapped 1 "$R/list.copy" >"$C/list" || return 1
      fi
      c_rc=0; check_copy_$T || c_rc=1
      s_said=$(said_all | grep ALERT); s_plain=plain_copy
      if [ $c_rc -ne 0 ]; then
        E=$(said | sed -n -e '/ALERT/{s/^\[[A-Z]*\][^:]*: *//p;}' | head -n 2)
        [ -n "$E" ] || E=$(said | tail -n 2)
      fi
      return $c_rc
    }
    plain_copy() { eval "swap \"$C/d\$c_at_$I/\" \"\${target%/*}/\""; swap "$C/list" "$CRTLIST"; plain_copies_$T; }
    # rehearse: sets CHECK to what the configuration's check says of what is on the disk, or of that with the new set where that passes; those of
    # s_good with which it does not pass are told and left out.
    rehearse() {
      s_all=$s_good; s_made=
      if [ -n "$s_all" ] && copy_made; then
        s_made=1; s_good=; s_try=$s_all
        if see_copy; then CHECK=pass; E=; fi
        if [ "$CHECK" = pass ]; then s_good=$s_all; tell "baseline $T pass"; rm -rf "$C"; return 0; fi
      fi
      s_good=$s_all
      config_check
      tell "baseline $T $CHECK" "$E"
      if [ -z "$s_made" ] || [ "$CHECK" != pass ]; then rm -rf "$D/copy"; return 0; fi
      # does the copy pass as it is, without the new ones?
      s_good=; s_try=
      if see_copy; then sift see_copy "$s_all"; else s_good=$s_all; fi
      rm -rf "$C"
      CHECK=pass; E=
    }
    """#
}
