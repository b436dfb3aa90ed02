#!/usr/bin/env python3
"""A mail server (aiosmtpd) that keeps what it takes, for the tests of Net.

usage: smtp_peer.py DIRECTORY [--starttls|--tls CHAIN.pem KEY.pem] [--auth USER PASSWORD]
                    [--greet-421] [--stall-quit] [--no-answer]
Each mail becomes NUMBER.eml and NUMBER.json (the envelope). Local parts with a meaning of their own:
`nobody` is refused with 550, `later` with 451, `spam` (as a sender) with 554 after the data.
"""
import asyncio
import json
import os
import ssl
import sys
import threading

from aiosmtpd.smtp import SMTP, AuthResult


class Keeper:
    def __init__(self, folder):
        self.folder = folder
        self.count = 0

    async def handle_RCPT(self, server, session, envelope, address, options):
        if address.startswith("nobody@"):
            return "550-5.1.1 There is no\r\n550 5.1.1 such user: nobody"
        if address.startswith("later@"):
            return "451 4.3.0 try again later"
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, server, session, envelope):
        if envelope.mail_from.startswith("spam@"):
            return "554 5.7.1 this is spam"
        self.count += 1
        base = os.path.join(self.folder, str(self.count))
        with open(base + ".eml", "wb") as file:
            file.write(envelope.original_content)
        with open(base + ".json", "w") as file:
            json.dump({"from": envelope.mail_from, "to": envelope.rcpt_tos, "tls": session.ssl is not None,
                       "user": session.auth_data.login.decode() if session.auth_data else None}, file)
        return "250 2.0.0 taken"


class Server(SMTP):
    stall = False
    greeting = None

    async def smtp_QUIT(self, arg):
        if Server.stall:
            await asyncio.sleep(600)
        await super().smtp_QUIT(arg)


def main():
    arguments = sys.argv[1:]
    folder = arguments.pop(0)
    options = {"hostname": "mail.example", "enable_SMTPUTF8": False, "data_size_limit": 1 << 25}
    context, implicit, greet, mute = None, None, False, False
    while arguments:
        word = arguments.pop(0)
        if word in ("--starttls", "--tls"):
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            context.load_cert_chain(arguments.pop(0), arguments.pop(0))
            if word == "--tls":
                implicit = context
            else:
                options |= {"tls_context": context, "require_starttls": True}
        elif word == "--auth":
            user, password = arguments.pop(0).encode(), arguments.pop(0).encode()

            def check(server, session, envelope, mechanism, data):
                good = data.login == user and data.password == password
                return AuthResult(success=good, handled=False, auth_data=data)
            options |= {"authenticator": check, "auth_required": True, "auth_require_tls": context is not None
                        and implicit is None}
        elif word == "--greet-421":
            greet = True
        elif word == "--stall-quit":
            Server.stall = True
        elif word == "--no-answer":
            mute = True
    keeper = Keeper(folder)

    async def greet_only(reader, writer):
        if greet:
            writer.write(b"421 4.3.2 mail.example is going down\r\n")
            await writer.drain()
            writer.close()
        else:
            await reader.read()

    def watch():
        sys.stdin.buffer.read()
        os._exit(0)
    threading.Thread(target=watch, daemon=True).start()

    async def serve():
        loop = asyncio.get_running_loop()
        if greet or mute:
            server = await asyncio.start_server(greet_only, "127.0.0.1", 0)
        else:
            server = await loop.create_server(lambda: Server(keeper, loop=loop, **options), "127.0.0.1", 0,
                                              ssl=implicit)
        print(server.sockets[0].getsockname()[1], flush=True)
        await server.serve_forever()

    asyncio.run(serve())


main()
