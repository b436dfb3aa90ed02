#!/usr/bin/env python3
"""A model of HAProxy's command line and command, for what a real one here cannot be made to say.

    model_haproxy.py DIR socat …      one connection to the stats socket: commands on stdin, the answers on stdout
    model_haproxy.py DIR haproxy …    -v and -c
    model_haproxy.py DIR reload       the reload command

DIR/case.json says the version, which answers are replaced and what fails; DIR/state.json is its memory, DIR/log has
every command.
Answers are those of HAProxy 2.6 (src/ssl_ckch.c, src/ssl_crtlist.c), of other versions where the case says so.
"""

import json
import os
import re
import sys

ROOT = sys.argv[1]
CASE = json.load(open(f"{ROOT}/case.json"))
VERSION = [int(x) for x in CASE["version"].split(".")]


def load():
    path = f"{ROOT}/state.json"
    return json.load(open(path)) if os.path.exists(path) else from_disk({"uses": {}})


def save(state):
    json.dump(state, open(f"{ROOT}/state.json", "w"))


def from_disk(state):
    certs = f"{ROOT}/certs"
    if CASE.get("naming") == "crtList":
        names = [line.split()[0] for line in open(f"{ROOT}/list") if line.strip()]
    else:
        names = [f"{certs}/{n}" for n in sorted(os.listdir(certs)) if not n.startswith(".")]
    state["memory"] = {shown(n): open(n).read() for n in names}
    state["lists"] = [f"{ROOT}/list" if CASE.get("naming") == "crtList" else certs]
    state["open"] = CASE.get("transaction", "").replace("DIR", ROOT) or None
    state["payload"] = None
    state["fresh"] = []
    return state


def shown(name):
    return CASE["alias"] if "alias" in CASE and name.endswith("/first.pem") else name


def x509(pem, *what):
    import subprocess  # a third of the start-up time, and most commands need none

    run = subprocess.run(["openssl", "x509", "-noout", *what], input=pem, text=True, capture_output=True)
    return run.stdout.strip().split("=", 1)[-1].replace(":", "") if run.returncode == 0 else None


def fits(pem):
    import subprocess

    def key(*command):
        return subprocess.run(["openssl", *command], input=pem, text=True, capture_output=True).stdout
    return key("x509", "-noout", "-pubkey") == key("pkey", "-pubout")


def answer(state, line, payload):
    if CASE.get("master"):
        if not line.startswith("@1 "):
            return "Unknown command: 'show', but maybe one of the following ones is a better match:"
        line = line[3:]
    for reply in CASE.get("replies", []):
        used = state["uses"].get(reply["on"], 0)
        if re.search(reply["on"], line.replace(ROOT, "DIR")) and used < reply.get("times", 10**6):
            state["uses"][reply["on"]] = used + 1
            if "opens" in reply:
                state["open"] = reply["opens"].replace("DIR", ROOT)
            return reply["say"].replace("DIR", ROOT)
    words = line.removesuffix(" <<").split()
    if words[1:3] == ["ssl", "cert"] and VERSION < [2, 1] or words[1:3] == ["ssl", "crt-list"] and VERSION < [2, 2]:
        return "Unknown command."
    if words[:3] == ["show", "ssl", "cert"]:
        return show(state, words[3] if len(words) > 3 else None)
    if words[:3] == ["show", "ssl", "crt-list"]:
        return "\n".join(state["lists"])
    if words[:2] == ["show", "info"]:
        return f"Name: HAProxy\nVersion: {CASE['version']}"
    name = words[-1]
    if words[:3] == ["new", "ssl", "cert"]:
        if name in state["memory"]:
            return f"Certificate '{name}' already exists!"
        state["memory"][name] = ""
        state["fresh"].append(name)
        return f"New empty certificate store '{name}'!"
    if words[:3] == ["set", "ssl", "cert"]:
        return put(state, name, payload)
    if words[:3] == ["commit", "ssl", "cert"]:
        return commit(state, name)
    if words[:3] == ["abort", "ssl", "cert"]:
        if state["open"] != name:
            return "No ongoing transaction!"
        state["open"] = state["payload"] = None
        return f"Transaction aborted for certificate '{name}'!"
    if words[:3] == ["add", "ssl", "crt-list"]:
        if name not in state["fresh"]:
            return "file already exists in this directory!"
        state["fresh"].remove(name)
        return f"Inserting certificate '{name}' in crt-list '{words[3]}'.\nSuccess!"
    if words[:3] == ["del", "ssl", "crt-list"]:
        state["fresh"].append(name)
        return f"Entry '{name}' deleted in crtlist '{words[3]}'!"
    if words[:3] == ["del", "ssl", "cert"]:
        if name not in state["fresh"]:
            return f"certificate '{name}' in use, can't be deleted!"
        state["fresh"].remove(name)
        del state["memory"][name]
        return f"Certificate '{name}' deleted!"
    return "Unknown command."


def show(state, name):
    if name is None:
        first = ["# transaction", f"*{state['open']}"] if state["open"] else []
        return "\n".join(first + ["# filename"] + sorted(state["memory"]))
    if name not in state["memory"]:
        return "Can't display the certificate: Not found!"
    pem = state["memory"][name]
    used = "Unused" if name in state["fresh"] else "Used"
    if not pem:
        return f"Filename: {name}\nStatus: Empty"
    serial, sha1 = x509(pem, "-serial"), x509(pem, "-fingerprint", "-sha1")
    return f"Filename: {name}\nStatus: {used}\nSerial: {serial}\nSHA1 FingerPrint: {sha1}"


def put(state, name, payload):
    if len(payload) > (131072 if VERSION >= [3, 4] else 16384):
        return ""
    payload = payload.split("\n\n")[0]
    if name not in state["memory"]:
        return "Can't replace a certificate which is not referenced by the configuration!"
    if x509(payload, "-serial") is None:
        return f"unable to load certificate from file '{name}'.\nCan't load the payload"
    if state["open"] and state["open"] != name:
        if CASE.get("checksNames", False):
            return f"The ongoing transaction is about '{state['open']}' but you are trying to set '{name}'"
        return f"Transaction updated for certificate {state['open']}!"
    word = "updated" if state["open"] else "created"
    state["open"], state["payload"] = name, payload
    return f"Transaction {word} for certificate {name}!"


def commit(state, name):
    if state["open"] != name:
        return "No ongoing transaction!"
    if "PRIVATE KEY" not in (state["payload"] or ""):
        return "The transaction must contain at least a certificate and a private key!"
    if not fits(state["payload"]):
        return f"inconsistencies between private key and certificate loaded '{name}'."
    state["memory"][name] = state["payload"]
    state["open"] = state["payload"] = None
    return f"Committing {name}.\nSuccess!"


def main():
    role = sys.argv[2]
    if role == "socat":
        line, _, payload = sys.stdin.read().partition("\n")
        state = load()
        for command in line.split(";"):
            with open(f"{ROOT}/log", "a") as log:
                log.write(command.replace(ROOT, "DIR") + "\n")
            sys.stdout.write(answer(state, command, payload) + "\n\n")
        save(state)
    elif role == "haproxy":
        if "-v" in sys.argv:
            print(f"HAProxy version {CASE['version']} 2026/01/01 - https://haproxy.org/")
            return 0
        if any(a.endswith("alone.cfg") for a in sys.argv):
            return 0
        when = CASE.get("check", "passes")
        broken = when == "fails" or when == "failsWithNew" and any_new()
        if broken:
            text = "[ALERT]    (1) : config : parsing [haproxy.cfg:9] : 'bind' : unable to load certificate"
            print(text, file=sys.stderr)
        return 1 if broken else 0
    elif role == "reload":
        with open(f"{ROOT}/log", "a") as log:
            log.write("RELOAD\n")
        count = open(f"{ROOT}/log").read().count("RELOAD")
        if CASE.get("reload") == "fails" or CASE.get("reload") == "failsOnce" and count == 1 \
                or CASE.get("reload") == "failsSecond" and count == 2:
            print("Job for haproxy.service failed.", file=sys.stderr)
            return 1
        save(from_disk(load()))
    return 0


def any_new():
    old = open(f"{ROOT}/before").read().split("\n")
    now = [open(f"{ROOT}/certs/{n}").read() for n in sorted(os.listdir(f"{ROOT}/certs")) if not n.startswith(".")]
    return [x509(pem, "-serial") for pem in now] != [line for line in old if line]


sys.exit(main())
