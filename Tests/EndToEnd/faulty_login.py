"""What sshd runs instead of a login's command (`ForceCommand`): the command itself, unless a fault is armed for the
step that its script is. Each fault strikes once.

    faulty_login.py FOLDER        FOLDER/armed/STEP holds the kind of the fault
"""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path

#: What only the script of one step has, at the beginning of a line.
STEPS = {
    "recipient": r"say recipient ",
    "seal": r"seal_all \d",
    "stage": r"stage_term \d",
    "activate": r"activate_\$KIND \d",
    "verify": r"OLD=''$",
    "verifyOld": r"OLD='?1'?$",
    "rollBack": r"roll_back \d",
    "cleanUp": r"clean_up ",
}
#: Commands of the shell's that a node with a full disk has no use for any more.
SHIMS = ("cat", "cp", "mkdir", "mv", "openssl")
SHIM = """\
#!/bin/sh
if [ -s {mark} ]; then echo '{name}: No space left on device' >&2; exit 1; fi
echo x >{mark}
exec {real} "$@"
"""


def main() -> int:
    folder, command = Path(sys.argv[1]), os.environ.get("SSH_ORIGINAL_COMMAND", "sh")
    script = sys.stdin.buffer.read()
    step = next((step for step, mark in STEPS.items() if re.search(rf"(?m)^{mark}", script.decode())), "")
    kind = strike(folder, step) if step else ""
    match kind:
        case "hangs":
            session = sshd()
            while Path(f"/proc/{session}").exists():
                time.sleep(0.2)  # until nobody listens any more
            return 1
        case "refuses":
            print("sh: cannot fork", file=sys.stderr)
            return 1
        case "fails":
            return run(command, script, {"PATH": f"{shims(folder)}:{os.environ['PATH']}"}).wait()
        case "lies":
            sys.stdout.write(lie(step, script.decode()))
            return 0
        case "garbles":
            said = subprocess.run(["/bin/sh", "-c", command], input=script, capture_output=True, check=False)
            sys.stdout.buffer.write(said.stdout.replace(b" end ", b" ned ").replace(b"item 0", b"item O"))
            return said.returncode
        case "cut in":
            # As much as came before the connection broke; an end of file looks like the end of the script.
            os.kill(sshd(), signal.SIGKILL)
            run(command, script[: len(script) * 2 // 3]).wait()
            return 1
        case "cut out":
            process = run(command, script)
            while not folder.joinpath("work", "lock").exists() and process.poll() is None:
                time.sleep(0.001)  # until it is at work
            os.kill(sshd(), signal.SIGKILL)
            return process.wait()
    return run(command, script).wait()


def strike(folder: Path, step: str) -> str:
    armed, struck = folder / "armed" / step, folder / "struck" / step
    try:
        os.rename(armed, struck)
    except OSError:
        return ""
    return struck.read_text()


def run(command: str, script: bytes, more: dict[str, str] | None = None) -> subprocess.Popen:
    process = subprocess.Popen(["/bin/sh", "-c", command], stdin=subprocess.PIPE, env={**os.environ, **(more or {})})
    try:
        process.stdin.write(script)
        process.stdin.close()
    except BrokenPipeError:
        pass
    return process


def sshd() -> int:
    """The sshd of this session."""
    pid = os.getppid()
    while Path(f"/proc/{pid}/comm").read_text().strip() not in ("sshd", "sshd-session"):
        pid = int(Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[1])
    return pid


def shims(folder: Path) -> Path:
    place = folder / f"shims-{os.getpid()}"
    place.mkdir()
    for name in SHIMS:
        real = next(path for path in (f"/usr/bin/{name}", f"/bin/{name}") if os.access(path, os.X_OK))
        place.joinpath(name).write_text(SHIM.format(mark=place / f"{name}.mark", name=name, real=real))
        place.joinpath(name).chmod(0o755)
    return place


def lie(step: str, script: str) -> str:
    """All was done, says who has done nothing."""
    nonce = re.search(r"CF_NONCE='?(\w+)", script)[1]
    answers = []
    for number, body in re.findall(r"(?ms)^item_(\d+)\(\) \{\n(.*?)^\}", script):
        new, serial, sha1 = (re.search(rf" {word}='?(\w*)", body)[1] for word in ("new", "serial", "sha1"))
        answers.append({
            "stage": f"item {number} staged",
            "activate": f"item {number} active reload",
            "verify": f"item {number} same {new} {serial} same {serial} {sha1}",
            "verifyOld": f"item {number} same {new} {serial} same {serial} {sha1}",
            "rollBack": f"item {number} back reload",
        }.get(step, ""))  # fmt: skip
    if step == "cleanUp":
        answers = ["clean 0", "clean work"]
    elif step == "recipient":
        answers = ["recipient MIIB"]
    elif step == "seal":
        answers = [f"sealed {number} pem MIIB" for number in re.search(r"(?m)^seal_all (.*)$", script)[1].split()]
    lines = ["begin", *answers]
    return "".join(f"@cf {nonce} {line}\n" for line in [*lines, f"end {len(lines)}"])


if __name__ == "__main__":
    sys.exit(main())
