"""The mail that a lab's mail server kept, for reading in a terminal."""

from __future__ import annotations

import email
import email.policy
import glob
import os
from email.message import EmailMessage

from .model import Lab


def messages(lab: Lab) -> list[EmailMessage]:
    found = []
    for path in sorted(glob.glob(os.path.join(lab.mail.directory, "*.eml"))):
        with open(path, "rb") as file:
            found.append(email.message_from_binary_file(file, policy=email.policy.default))
    return found


def show(lab: Lab) -> str:
    """The last message: its head, its text, and the names of its other parts."""
    kept = messages(lab)
    if not kept:
        return "no mail yet"
    last = kept[-1]
    lines = [f"{name}: {printable(last[name])}" for name in ("From", "To", "Date", "Subject") if last[name]]
    body = last.get_body(preferencelist=("plain",))
    lines += ["", printable(body.get_content()).rstrip() if body else "(no text part)", ""]
    for part in last.walk():
        if not part.is_multipart() and part is not body:
            size = len(part.get_payload(decode=True) or b"")
            lines.append(f"[{part.get_content_type()} {part.get_filename() or ''} {size} bytes]".replace("  ", " "))
    return "\n".join(lines) + f"\n({len(kept)} in {lab.mail.directory})"


def printable(text: str) -> str:
    """A terminal obeys control characters; a mail may hold what somebody else's server wrote."""
    hostile = {number: f"\\x{number:02x}" for number in (*range(32), *range(127, 160)) if chr(number) != "\n"}
    return text.translate(hostile)
