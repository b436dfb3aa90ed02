"""The mail server of a lab: takes every message and keeps it as a file. Run with Debian's python3 (aiosmtpd)."""

from __future__ import annotations

import asyncio
import itertools
import os
import ssl
import sys
import time

from aiosmtpd.smtp import SMTP, AuthResult, LoginPassword


#: As in model.py; this program is run by itself.
REFUSING = ".refusing"


class Keeper:
    """One .eml a message. The envelope is kept in headers: Bcc and the real sender are only there."""

    def __init__(self, directory: str) -> None:
        self.directory = directory
        self.numbers = itertools.count(1)

    async def handle_MAIL(self, server, session, envelope, address, options) -> str:
        if os.path.exists(os.path.join(self.directory, REFUSING)):
            return "451 4.3.0 the lab was told to refuse"
        envelope.mail_from = address
        envelope.mail_options.extend(options)
        return "250 2.1.0 OK"

    async def handle_DATA(self, server, session, envelope) -> str:
        name = f"{time.strftime('%Y%m%d-%H%M%S', time.gmtime())}-{os.getpid()}-{next(self.numbers):04d}.eml"
        head = f"X-Envelope-From: {envelope.mail_from}\r\nX-Envelope-To: {', '.join(envelope.rcpt_tos)}\r\n"
        temporary = os.path.join(self.directory, f".{name}")
        with open(temporary, "wb") as file:
            file.write(head.encode("utf-8", "surrogateescape") + envelope.original_content)
        os.replace(temporary, os.path.join(self.directory, name))
        return "250 2.0.0 kept as " + name


def options(mode: str, user: str, password: str, context: ssl.SSLContext) -> dict:
    def authenticate(server, session, envelope, mechanism, data) -> AuthResult:
        right = isinstance(data, LoginPassword) and data.login == user.encode() and data.password == password.encode()
        return AuthResult(success=right, handled=False)

    if mode == "starttls":
        return {"tls_context": context, "require_starttls": True}
    if mode == "auth":
        return {
            **{"tls_context": context, "require_starttls": True, "auth_required": True},
            **{"authenticator": authenticate, "auth_require_tls": True},
        }
    return {}


async def serve(host: str, port: int, mode: str, user: str, directory: str, keys: str) -> None:
    with open(os.path.join(keys, "smtp-password")) as file:
        password = file.read().strip()
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(os.path.join(keys, "server.pem"), os.path.join(keys, "server.key"))
    keeper = Keeper(directory)
    loop = asyncio.get_running_loop()
    server = await loop.create_server(
        lambda: SMTP(keeper, hostname="mail.lab.example", loop=loop, **options(mode, user, password, context)),
        host=host,
        port=port,
        ssl=context if mode == "tls" else None,
    )
    async with server:
        await server.serve_forever()


if __name__ == "__main__":
    host, port, mode, user, directory, keys = sys.argv[1:]
    try:
        asyncio.run(serve(host, int(port), mode, user, directory, keys))
    except KeyboardInterrupt:
        pass
