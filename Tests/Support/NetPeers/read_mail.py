#!/usr/bin/env python3
"""Reads a mail from standard input by Python's email package and writes what it understood as JSON."""
import email
import email.policy
import json
import sys

raw = sys.stdin.buffer.read()
mail = email.message_from_bytes(raw, policy=email.policy.default)
parts = [{"type": part.get_content_type(), "name": part.get_filename(), "hex": part.get_payload(decode=True).hex(),
          "charset": part.get_content_charset()} for part in mail.walk() if not part.is_multipart()]
json.dump({
    "subject": mail["subject"], "from": str(mail["from"]), "to": [str(a) for a in mail["to"].addresses],
    "id": mail["message-id"], "date": mail["date"].datetime.timestamp(), "type": mail.get_content_type(),
    "headers": mail.keys(), "parts": parts, "structure": [part.get_content_type() for part in mail.walk()],
    "longest": max(len(line) for line in raw.split(b"\r\n")), "bare": raw.replace(b"\r\n", b"").count(b"\n")
    + raw.replace(b"\r\n", b"").count(b"\r"), "ascii": raw.isascii(),
    "defects": [str(defect) for part in mail.walk() for defect in part.defects],
}, sys.stdout)
