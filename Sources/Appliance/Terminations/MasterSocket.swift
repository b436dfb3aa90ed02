/// Reloading over HAProxy's master socket.
enum MasterSocket {
  /// `master_reload`: 0 when the new worker runs, else E.
  ///
  /// From 2.7 `reload` answers `Success=1` or `Success=0`, with the start-up log after it, once the new worker is ready or refused. 2.6 says
  /// nothing, and until 2.2 there is no such answer either: there the list of processes tells, by another worker or by one more
  /// `[failed: N]` of the master.
  static let library: ShellText = #"""
    master_ask() {
      m_sock=$SOCK; SOCK=$MASTER
      A=$(printf '%s\n' "$1" | cli)
      SOCK=$m_sock
    }
    # master_state: sets WORKER to the process id of the present worker and FAILED to the master's count of failed reloads
    master_state() {
      master_ask 'show proc'
      m_both=$(printf '%s\n' "$A" | awk '/^# workers/{w=1; next} /^#/{w=0} w && $2=="worker" && !p{p=$1}
        $2=="master" && match($0,/\[failed: *[0-9]+/){f=substr($0,RSTART,RLENGTH); gsub(/[^0-9]/,"",f)} END{print p "." f}')
      WORKER=${m_both%%.*}; FAILED=${m_both#*.}
      [ -n "$WORKER" ]
    }
    master_reload() {
      if [ "$CLIENT" = none ]; then E='neither socat, nc -U, python nor perl is there to talk to the master socket'; return 1; fi
      if ! master_state; then E="$MASTER shows no worker: $(flat "$A")"; return 1; fi
      m_worker=$WORKER; m_failed=$FAILED
      master_ask reload
      case $A in
        *Success=1*) return 0 ;;
        *Success=0*)
          E=$(printf '%s\n' "$A" | sed -n -e '/ALERT/{s/^\[[A-Z]*\][^:]*: *//p;}' | head -n 2)
          E="the master refused the new worker: $(flat "${E:-$A}")"; return 1 ;;
      esac
      m_end=$(($(now)+120))
      while [ $(now) -le $m_end ]; do
        nap
        if ! master_state; then continue; fi
        if [ "$FAILED" != "$m_failed" ]; then E='the master counts one more failed reload'; return 1; fi
        if [ "$WORKER" != "$m_worker" ]; then return 0; fi
        pulse
      done
      E='two minutes after the reload the master shows the same worker'
      return 1
    }
    """#
}
