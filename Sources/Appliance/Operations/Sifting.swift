/// Finds the guilty ones of a batch that a check refuses: halves it until each stands alone, and lets the others go on.
///
/// The check is the program's own, on files apart from everything in use, never a live reload: `haproxy -c` takes 88 ms with 101 PEMs. k guilty
/// ones of n cost about 2k·log2(n) checks, and two each where the program names the file.
enum Sifting {
  static let library: ShellText = #"""
    # swap OLD NEW: in E
    swap() {
      if [ -z "$1" ]; then return 0; fi
      w_left=$E; E=
      while :; do
        case $w_left in *"$1"*) E=$E${w_left%%"$1"*}$2; w_left=${w_left#*"$1"} ;; *) E=$E$w_left; return 0 ;; esac
      done
    }
    # sift CHECK ITEMS: CHECK looks at the items of s_try, together with those of s_good where that makes a difference; when it refuses, E has the
    # words, s_said all of them, and s_plain is a function that says E in the words of the real places. Sets s_good; s_guilty is called for
    # each of the others.
    sift() {
      w_check=$1; w_queue=$2; s_good=; w_end=$(($(now)+240))
      while [ -n "$w_queue" ]; do
        s_try=${w_queue%%"$NL"*}; w_queue=${w_queue#"$s_try"}; w_queue=${w_queue#"$NL"}
        set -- $s_try
        if [ $# -eq 0 ]; then continue; fi
        beat
        E=
        if $w_check; then s_good="$s_good $s_try"; continue; fi
        if [ $# -eq 1 ]; then
          item_$1
          if [ -n "$s_plain" ]; then $s_plain; fi
          why "$E" pem; $s_guilty "$K" "${E:-$KIND refused it without a word}"; continue
        fi
        if [ $(now) -ge $w_end ]; then
          w_text="one of $# is refused ($E), and looking at each of them takes too long on this node; certfleet retry tries them anew"
          for w_i in "$@"; do item_$w_i; $s_guilty pem "$w_text"; done
          continue
        fi
        w_named=; w_rest=; w_count=0
        if [ -n "$s_said" ]; then
          for w_i in "$@"; do
            item_$w_i
            case $s_said in
              *"/$label.pem"[!A-Za-z0-9_-]*|*"/${target##*/}"[!A-Za-z0-9_-]*) w_named="$w_named$w_i$NL"; w_count=$((w_count+1)) ;;
              *) w_rest="$w_rest $w_i" ;;
            esac
          done
        fi
        if [ -n "$w_rest" ] && [ $w_count -gt 0 ] && [ $w_count -le 8 ]; then
          w_queue=$w_rest$NL$w_named$w_queue
        else
          w_one=; w_two=; w_count=0
          for w_i in "$@"; do
            if [ $((w_count*2)) -lt $# ]; then w_one="$w_one $w_i"; else w_two="$w_two $w_i"; fi
            w_count=$((w_count+1))
          done
          w_queue=$w_one$NL$w_two$NL$w_queue
        fi
      done
    }
    s_guilty=guilty
    # guilty KIND TEXT: the present item does not go on
    guilty() { rm -f "$s_at/$label.pem" "$s_at/.$label.aside"; tell "item $I $1" "$2"; }
    """#
}
