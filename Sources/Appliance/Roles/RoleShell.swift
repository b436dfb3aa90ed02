import Fleet
import Glibc

/// The shell side of each detector. Every one says `role INDEX WORD [TEXT]` per VIP.
enum RoleShell {
  /// Says the roles of all VIPs.
  static func body(_ detector: ActiveDetector, vips: [VIP]) -> ShellText {
    var text: ShellText = "\(words)\n"
    switch detector {
    case .always:
      for index in vips.indices { text += "say role \(index) active\n" }
    case .address:
      text += "\(addresses)\n"
      for (index, vip) in vips.enumerated() { text += "held \(index) \(ShellWord(canonical(vip.address)))\n" }
    case .statusFile(let path):
      text += """
        if [ -e \(ShellWord(path: path)) ]; then R=$(cat \(ShellWord(path: path)) 2>&1); else R=\(ShellWord("no file \(path)")); fi

        """
      for index in vips.indices { text += "word \(index) \"$R\"\n" }
    case .command(let template):
      for (index, vip) in vips.enumerated() {
        let command = template.replacing("%vip%", with: ShellWord(vip.address).quoted)
        text += "command_says \(index) \(ShellWord(command))\n"
      }
    case .heartbeat:
      text += "\(heartbeat)\n"
      for index in vips.indices { text += "say role \(index) \"$R\"\n" }
    case .carp(let vhid):
      text += "VHID=\(vhid)\n\(carp)\n"
      for index in vips.indices { text += "say role \(index) \"$R\"\n" }
    case .keepalived(let instance):
      text += "INSTANCE=\(ShellWord(instance ?? ""))\n\(keepalived)\n"
      for (index, vip) in vips.enumerated() { text += "vrrp \(index) \(ShellWord(canonical(vip.address)))\n" }
    }
    return text
  }

  /// Goes on only when the node holds exactly the VIPs it should; the roles are said in any case.
  static func guarded(_ detector: ActiveDetector, vips: [VIP], active: Set<VIPID>) -> ShellText {
    var text: ShellText = """
      role_guard() {
        \(body(detector, vips: vips))
      }
      ROLES=$(role_guard 3>&1)

      """
    for (index, vip) in vips.enumerated() {
      let wanted = ShellWord(active.contains(vip.id) ? "active" : "passive")
      text += """
        printf '%s\n' "$ROLES" | grep -q "^@cf $CF_NONCE role \(index) "\(wanted)'$' ||
          die role \(ShellWord("\(vip.id) should be"))" "\(wanted)" here: $(printf '%s\n' "$ROLES" | sed -n "s/^@cf $CF_NONCE role \(index) //p")"

        """
    }
    return text
  }

  /// The address as `ip` prints it: IPv6 compressed and in lower case.
  static func canonical(_ address: String) -> String {
    guard address.contains(":") else { return address }
    var binary = in6_addr()
    var text = [CChar](repeating: 0, count: Int(INET6_ADDRSTRLEN))
    guard inet_pton(AF_INET6, address, &binary) == 1,
      inet_ntop(AF_INET6, &binary, &text, socklen_t(INET6_ADDRSTRLEN)) != nil
    else { return address }
    return String(decoding: text.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
  }

  private static let words: ShellText = #"""
    # word INDEX TEXT: exactly `active` or `passive`, whatever the case and the space around it
    word() {
      r_text=$(flat "$2" | sed 's/^ *//; s/ *$//' | tr A-Z a-z)
      case $r_text in
        active|passive) say role "$1" "$r_text" ;;
        *) tell "role $1 unknown" "${2:-nothing}" ;;
      esac
    }
    command_says() {
      OUT=$W/out.$$
      own_dir "$W" && mkdir -p "$W" 2>/dev/null && mine "$W" && (printf x >"$OUT") 2>/dev/null || { tell "role $1 unknown" "cannot write to $W"; return; }
      bounded 20 sh -c "$2"; r_rc=$?
      if [ $r_rc -eq 0 ]; then word "$1" "$(cat "$OUT")"; else tell "role $1 unknown" "exit status $r_rc: $(said)"; fi
    }
    """#

  /// `lo` and `dummy` do not count: `IPaddr2` with `lvs_support` and LVS-DR real servers park the address there on the passive node.
  private static let addresses: ShellText = #"""
    if have ip; then
      R=$(ip -o addr show 2>/dev/null | awk '$2 !~ /^(lo|dummy)/')
    else
      # FreeBSD and old nets: one block an interface, `inet ADDRESS` within
      R=$(ifconfig -a 2>/dev/null | awk '/^[^ \t]/{i=$1} i !~ /^(lo|dummy)/ && /inet/{sub(/addr:/,""); sub(/%[^ ]*/,""); print "0: " i " " $1 " " $2 "/x " $0}')
    fi
    held() {
      if [ -z "$R" ]; then say role "$1" unknown neither ip nor ifconfig lists an address; return; fi
      # the whole address: a space before, a slash after
      r_line=$(printf '%s\n' "$R" | grep -F -e " $2/" | head -n 1)
      case $r_line in
        '') say role "$1" passive ;;
        *dadfailed*|*tentative*|*duplicated*) tell "role $1 unknown" "$r_line" ;;
        *) say role "$1" active ;;
      esac
    }
    """#

  /// One report has both nodes saying `local`: the verdict over both answers catches it.
  private static let heartbeat: ShellText = #"""
    if ! have cl_status; then R='unknown cl_status is not there'
    elif ! r_text=$(cl_status hbstatus 2>&1); then R="unknown $(flat "$r_text")"
    else
      r_text=$(cl_status rscstatus 2>&1)
      case $r_text in
        all|local) R=active ;;
        none) R=passive ;;
        *) R="unknown rscstatus $(flat "$r_text")" ;;
      esac
    fi
    """#

  private static let carp: ShellText = #"""
    r_text=$(ifconfig 2>/dev/null | grep -E "carp: [A-Z]+ vhid $VHID( |\$)" | head -n 1)
    case $r_text in
      *'carp: MASTER '*) R=active ;;
      *'carp: BACKUP '*) R=passive ;;
      '') R="unknown ifconfig shows no carp vhid $VHID" ;;
      *) R="unknown $(flat "$r_text")" ;;
    esac
    """#

  /// keepalived dumps its state on a signal: JSON where built in, else the text of SIGUSR1. State 2 is MASTER.
  /// The stale dump is removed first; with systemd's PrivateTmp it lies in the unit's own directory.
  private static let keepalived: ShellText = #"""
    r_pid=$(cat /run/keepalived.pid /var/run/keepalived.pid 2>/dev/null | head -n 1)
    dump() {
      for r_x in "/tmp/$1" /tmp/systemd-private-*-keepalived.service-*/tmp/"$1" /run/keepalived/"$1"; do
        if [ -s "$r_x" ] && trusted_dump "$r_x"; then D=$r_x; return 0; fi
      done
      return 1
    }
    # /tmp is anybody's: a file that somebody else laid there, or a link, says nothing about keepalived.
    trusted_dump() {
      if [ -L "$1" ] || [ ! -f "$1" ]; then r_odd=$1; return 1; fi
      r_uid=$(ls -ln "$1" 2>/dev/null | awk '{print $3; exit}')
      if [ "$r_uid" = 0 ] || [ "$r_uid" = "$(id -u)" ]; then return 0; fi
      r_odd=$1; return 1
    }
    R=; D=
    if [ -z "$r_pid" ]; then E='no /run/keepalived.pid'
    else
      r_json=$(keepalived --signum=JSON 2>/dev/null)
      case $r_json in
        [0-9]*) r_signal=$r_json; r_file=keepalived.json ;;
        *) r_signal=USR1; r_file=keepalived.data ;;
      esac
      while dump "$r_file"; do rm -f "$D" || break; done
      if E=$(kill -s "$r_signal" "$r_pid" 2>&1); then
        r_i=0; r_size=-1
        # written piece by piece: wait until it no longer grows
        while [ $r_i -lt 50 ]; do
          nap
          r_odd=
          if dump "$r_file"; then
            r_now=$(wc -c <"$D")
            if [ $((r_now)) -gt 0 ] && [ $((r_now)) -eq $((r_size)) ]; then break; fi
            r_size=$r_now
          # its place is taken by something that is not keepalived's, so nothing of it will come there
          elif [ -n "$r_odd" ] && [ $r_i -ge 5 ]; then break
          fi
          r_i=$((r_i+1))
        done
        E="keepalived wrote no $r_file"
        if [ -z "$D" ] && [ -n "${r_odd-}" ]; then E="$r_odd is a link or not root's file; remove it, and ask again"; fi
        # one line an instance: NAME STATE ADDRESSES
        if [ -n "$D" ] && [ "$r_file" = keepalived.json ]; then
          R=$(tr -d '\n' <"$D" | sed 's/"iname"/\n&/g' | sed -n 's/^"iname" *: *"\([^"]*\)".*"state" *: *\([0-9]*\).*"vips" *: *\[\([^]]*\)\].*/\1 \2 \3/p')
        elif [ -n "$D" ]; then
          R=$(awk '/VRRP Instance = /{if(n)print n,s,v; n=$NF; s="?"; v=""}
            /^ *State = /{s=($NF=="MASTER")?2:($NF=="BACKUP")?1:0}
            /^ +[0-9a-f.:]+(\/[0-9]+)? dev /{v=v " " $1} END{if(n)print n,s,v}' "$D")
        fi
      fi
    fi
    vrrp() {
      if [ -z "$R" ]; then tell "role $1 unknown" "$E"; return; fi
      if [ -n "$INSTANCE" ]; then
        r_line=$(printf '%s\n' "$R" | grep -e "^$INSTANCE " | head -n 1)
      else
        r_line=$(printf '%s\n' "$R" | tr '",/' '   ' | grep -F -e " $2 " | head -n 1)
        # a single instance needs no address
        if [ -z "$r_line" ] && [ "$(printf '%s\n' "$R" | wc -l)" -eq 1 ]; then r_line=$R; fi
      fi
      case $r_line in
        *' 2 '*) say role "$1" active ;;
        *' 1 '*) say role "$1" passive ;;
        '') tell "role $1 unknown" "keepalived knows no such instance: $R" ;;
        *) tell "role $1 unknown" "keepalived: $r_line" ;;
      esac
    }
    """#
}
