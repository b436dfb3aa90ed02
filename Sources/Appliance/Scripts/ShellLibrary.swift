/// Shell functions that every script starts with. POSIX only: dash, bash (also the 4.1 of el6), busybox ash, FreeBSD's sh.
enum ShellLibrary {
  /// Answers, deadlines, the lock, and the words for what went wrong.
  ///
  /// - stdout becomes descriptor 3 and is closed for every command that may leave a daemon behind: an inherited descriptor would hold the
  ///   SSH channel open for ever.
  /// - HUP, TERM and PIPE run an empty handler: a lost connection must not stop a commit half-way, yet children get the defaults back,
  ///   which `trap ''` would take from them.
  /// - `say` counts its records, and `end` tells the number: a record that got lost shows.
  static let prelude: ShellText = #"""
    LC_ALL=C; export LC_ALL
    PATH=$PATH:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin; export PATH
    unset CDPATH ENV BASH_ENV GREP_OPTIONS POSIXLY_CORRECT TMPDIR
    unset IFS
    NL='
    '
    umask 077
    exec 3>&1 >/dev/null
    trap : HUP INT TERM PIPE
    n=0; LOCKED=; OUT=/dev/null
    say() { n=$((n+1)); printf '@cf %s %s\n' "$CF_NONCE" "$*" >&3; }
    # beat: silence would look like a hung node
    beat() { printf '@cf %s beat\n' "$CF_NONCE" >&3; }
    # pulse: a beat now and then in a loop of short steps
    b_count=0
    pulse() { b_count=$((b_count+1)); if [ $((b_count % 25)) -eq 0 ]; then beat; fi; }
    flat() { printf '%s' "$*" | tr '\011-\015' '     ' | tr -d '\000-\010\016-\037\177' | sed 's/  */ /g' | cut -c1-600; }
    # tell RECORD TEXT: a record whose text came from elsewhere
    tell() { t_head=$1; shift; say "$t_head $(flat "$@")"; }
    finish() {
      if [ -n "$LOCKED" ]; then rm -rf "$W/lock"; fi
      if [ -f "$OUT" ]; then rm -f "$OUT"; fi
      printf '@cf %s end %s\n' "$CF_NONCE" "$n" >&3
      exit 0
    }
    die() { d_kind=$1; shift; tell "fail $d_kind" "$@"; finish; }
    # why TEXT KIND: sets K to the kind of a failed command by what it said, else KIND
    why() {
      case $1 in
        *'No space left'*|*'quota exceeded'*) K=full ;;
        *'ead-only file system'*) K=readonly ;;
        *'ermission denied'*|*'not permitted'*) K=denied ;;
        *) K=$2 ;;
      esac
    }
    # try CMD…: runs it; on failure E holds what it said and K the kind
    try() { E=$("$@" 2>&1 3>&-) && return 0; [ -n "$E" ] || E="$1 failed"; why "$E" refused; return 1; }
    have() { command -v "$1" >/dev/null 2>&1; }
    nap() { sleep 0.1 2>/dev/null || sleep 1; }
    now() { date +%s; }
    # clock: sets CLOCK to hundredths of a second of some clock
    clock() {
      CLOCK=
      if [ -r /proc/uptime ]; then read -r CLOCK b_rest </proc/uptime; CLOCK=${CLOCK%.*}${CLOCK#*.}; fi
      case $CLOCK in ''|0*|*[!0-9]*) CLOCK=$(now)00 ;; esac
    }
    # bounded SECONDS CMD…: what it prints goes to the file OUT, never to a pipe that a daemon could keep open
    bounded() {
      b_left=$1; shift
      "$@" </dev/null >"$OUT" 2>&1 3>&- &
      b_pid=$!
      (
        b_i=0
        while kill -0 $b_pid 2>/dev/null; do
          sleep 1 3>&-
          b_i=$((b_i+1))
          if [ $((b_i % 10)) -eq 0 ]; then beat; fi
          if [ $b_i -ge $b_left ]; then kill -TERM $b_pid; sleep 2 3>&-; kill -KILL $b_pid; fi
        done
      ) >/dev/null 2>&1 </dev/null &
      b_watch=$!
      wait $b_pid; b_rc=$?
      # a trapped signal ends `wait` early
      while [ $b_rc -gt 128 ] && kill -0 $b_pid 2>/dev/null; do wait $b_pid; b_rc=$?; done
      kill $b_watch 2>/dev/null
      wait $b_watch 2>/dev/null
      return $b_rc
    }
    # said: what the last bounded command printed, its first lines of substance
    said() { [ -f "$OUT" ] && sed -e '/^[[:space:]]*$/d' "$OUT" | head -n 20; }
    # mine DIR: is it a directory of this login or of root, no link, and closed to others? What somebody else left there may lead anywhere.
    mine() {
      o_dir=$1
      if [ -L "$o_dir" ]; then E="$o_dir is a symbolic link"; K=denied; return 1; fi
      o_line=$(ls -ldn "$o_dir" 2>/dev/null) || { E="$o_dir cannot be looked at"; K=denied; return 1; }
      case $o_line in
        d???????w*) E="others may write into $o_dir"; K=denied; return 1 ;;
        d*) ;;
        *) E="$o_dir is no directory"; K=denied; return 1 ;;
      esac
      set -- $o_line
      if [ "$3" = 0 ] || [ "$3" = "$(id -u)" ]; then return 0; fi
      E="$o_dir belongs to user $3, and is not used"; K=denied; return 1
    }
    # own_dir DIR: as above, for one that may not be there yet
    own_dir() { if [ -e "$1" ] || [ -L "$1" ]; then mine "$1"; fi; }
    work() {
      own_dir "$W" && try mkdir -p "$W" && mine "$W" && try chmod 700 "$W" || die "$K" "cannot use $W: $E"
      TMPDIR=$W; export TMPDIR
      RANDFILE=$W/.rnd; export RANDFILE
      if (printf x >"$W/out.$$") 2>/dev/null; then OUT=$W/out.$$; fi
      find "$W" -name 'out.*' -mtime +1 -exec rm -f '{}' ';' 2>/dev/null
    }
    # born PID: when the process began, in some form that a later process with the same number does not share; empty where nobody tells
    born() {
      if [ -r "/proc/$1/stat" ]; then sed 's/^.*) //' "/proc/$1/stat" 2>/dev/null | cut -d' ' -f20
      else ps -o lstart= -p "$1" 2>/dev/null | tr -s ' ' '_'
      fi
    }
    # check_marks: has anybody else worked here? CF_MARKS are the files, a line each; CF_KNOWN the marks that this controller knows, as
    # CONTROLLER:WORD. Without CF_OWNER nothing is checked.
    check_marks() {
      if [ -z "${CF_OWNER-}" ]; then return 0; fi
      while read -r m_file; do
        if [ -z "$m_file" ] || [ ! -f "$m_file" ]; then continue; fi
        m_magic=; m_owner=; m_position=; m_word=
        read -r m_magic m_owner m_position m_word m_rest <"$m_file" || continue
        if [ "$m_magic" != certfleet ] || [ -z "$m_word" ]; then continue; fi
        case " $CF_KNOWN " in *" $m_owner:$m_word "*) continue ;; esac
        if [ "$m_owner" = "$CF_OWNER" ]; then m_who='this controller, of which this journal knows nothing,'; else m_who="controller $m_owner"; fi
        die fenced "$m_who left a mark in $m_file, at event $m_position of its journal"
      done <<EOF
    $CF_MARKS
    EOF
    }
    # leave_marks: where a mark cannot be written, the next one tries again
    leave_marks() {
      if [ -z "${CF_WORD-}" ]; then return 0; fi
      m_text="certfleet $CF_OWNER $CF_POSITION $CF_WORD"
      while read -r m_file; do
        if [ -z "$m_file" ] || [ ! -d "${m_file%/*}" ] || [ -L "$m_file" ]; then continue; fi
        if (printf '%s\n' "$m_text" >"$m_file.new") 2>/dev/null && mv -f "$m_file.new" "$m_file" 2>/dev/null; then continue; fi
        rm -f "$m_file.new" 2>/dev/null
        if [ -f "$m_file" ] && [ -w "$m_file" ]; then (printf '%s\n' "$m_text" >"$m_file") 2>/dev/null; fi
      done <<EOF
    $CF_MARKS
    EOF
    }
    # A connection that is cut leaves its script running; the next one must wait for it. The lock says who holds it: process and birth.
    lock() {
      l_i=0; l_mine="$$ $(born $$)"
      until mkdir "$W/lock" 2>/dev/null; do
        if [ ! -d "$W/lock" ]; then try mkdir "$W/lock" && break; die "$K" "cannot lock $W: $E"; fi
        l_owner=$(cat "$W/lock/pid" 2>/dev/null)
        if is_orphan "$l_owner" && take_over "$l_owner"; then LOCKED=1; check_marks; leave_marks; return; fi
        if [ -n "$(find "$W/lock" -prune -mmin +30 2>/dev/null)" ]; then rm -rf "$W/lock"; continue; fi
        l_i=$((l_i+1))
        if [ $l_i -ge 90 ]; then die busy "another step still works here (process ${l_owner%% *})"; fi
        if [ $((l_i % 10)) -eq 0 ]; then beat; fi
        sleep 1
      done
      LOCKED=1
      printf '%s\n' "$l_mine" >"$W/lock/pid"
      check_marks
      leave_marks
    }
    # is_orphan OWNER: is its process gone, or another one now? A lock without a name is given five looks: its owner writes it at once.
    is_orphan() {
      if [ -z "$1" ]; then [ $l_i -ge 5 ]; return; fi
      kill -0 "${1%% *}" 2>/dev/null || return 0
      case $1 in *' '?*) [ "$(born "${1%% *}")" != "${1#* }" ] ;; *) return 1 ;; esac
    }
    # take_over OWNER: of several that wait only one makes the directory, and none takes a lock that has another owner meanwhile
    take_over() {
      mkdir "$W/lock/taken" 2>/dev/null || return 1
      l_rc=1
      if [ "$(cat "$W/lock/pid" 2>/dev/null)" = "$1" ]; then printf '%s\n' "$l_mine" >"$W/lock/pid" && l_rc=0; fi
      rmdir "$W/lock/taken"
      return $l_rc
    }
    printf '\n' >&3
    say begin
    """#

  /// Certificates and keys by the node's openssl, 1.0.1 or newer.
  static let certificates: ShellText = #"""
    have openssl || die tool 'openssl is not installed'
    # leaf FILE: sets LEAF to the SHA-256 of its first certificate: 64 hex digits, `none` without file, `unreadable`
    leaf() {
      if [ -e "$1" ]; then
        LEAF=$(openssl x509 -in "$1" -noout -fingerprint -sha256 2>/dev/null | sed 's/^.*=//' | tr -d ':' | tr A-F a-f)
        [ -n "$LEAF" ] || LEAF=unreadable
      else
        LEAF=none
      fi
    }
    # serial_sha1 FILE: sets SERIAL and SHA1 of its first certificate
    serial_sha1() {
      s_both=$(openssl x509 -in "$1" -noout -serial -fingerprint -sha1 2>/dev/null | sed 's/^.*=//' | tr -d ':' | tr a-f A-F)
      SERIAL=${s_both%%"$NL"*}; SHA1=${s_both##*"$NL"}
    }
    """#

  /// Files: owner and mode kept, previous content kept, never a half file under a final name.
  static let files: ShellText = #"""
    owner_of() { stat -c '%u:%g %a' "$1" 2>/dev/null || stat -f '%u:%g %Lp' "$1" 2>/dev/null; }
    # keep_old TARGET DIR LABEL: saves what is there now, once; or the knowledge that nothing was
    keep_old() {
      if [ -e "$2/$3.pem" ] || [ -e "$2/$3.absent" ]; then return 0; fi
      if [ -e "$1" ]; then
        try cp -p "$1" "$2/.$3.tmp" && try cmp "$1" "$2/.$3.tmp" && try mv -f "$2/.$3.tmp" "$2/$3.pem" || return 1
      else
        { printf '' >"$2/$3.absent"; } 2>/dev/null || try touch "$2/$3.absent" || return 1
      fi
      # a tool may lie, and without this there is no way back
      if [ -e "$2/$3.pem" ] || [ -e "$2/$3.absent" ]; then return 0; fi
      E="$2/$3 is not there although nothing failed"; K=refused
      return 1
    }
    # over FILE TARGET: the content of a file that may be written where its directory may not. Who may rename in there could put a link
    # to any file under a name that root reads, so a login with few rights is given the file alone.
    over() { [ -f "$2" ] && [ ! -L "$2" ] && [ -w "$2" ] && [ ! -w "${2%/*}" ] && cat "$1" >"$2" && try cmp "$1" "$2"; }
    # put FILE TARGET: an atomic copy into the target's directory, which exists. Its draft lies one directory below: stunnel reads every file
    # of its include directory, hidden ones as well, and one that a kill left there would stop its next reload.
    put() {
      if over "$1" "$2"; then return 0; fi
      p_dir=${2%/*}/.certfleet; p_made=
      own_dir "$p_dir" || return 1
      if [ ! -d "$p_dir" ]; then try mkdir "$p_dir" || return 1; p_made=1; fi
      p_tmp=$p_dir/.put.$$; p_rc=1
      if try cp -p "$1" "$p_tmp" && try cmp "$1" "$p_tmp" && try mv -f "$p_tmp" "$2"; then
        if [ ! -e "$p_tmp" ]; then p_rc=0
        else E="$2 was not replaced although nothing failed"; K=refused
        fi
      fi
      if [ $p_rc -ne 0 ]; then rm -f "$p_tmp"; fi
      if [ -n "$p_made" ]; then rmdir "$p_dir" 2>/dev/null; fi
      return $p_rc
    }
    """#
}
