"""Prefect's server behind a check of who asks: `python -m flows.server --host NAME --port NUMBER`.

Prefect's server does not check the Host header, and CORS hides replies but does not stop requests. Without this check
a page from any other origin can send commands to it from the user's browser: as a form, over a websocket, or under a
name of its own that it points to this machine (DNS rebinding). The password alone would stop these as well; each of
the two holds where the other fails.
"""

import argparse
import os
import sys
from collections.abc import Iterable
from urllib.parse import urlsplit

from starlette.datastructures import Headers, MutableHeaders
from starlette.responses import HTMLResponse, PlainTextResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

ORIGINS = "PREFECT_SERVER_CORS_ALLOWED_ORIGINS"
ENTER = "/enter"  # the page that hands the password to the browser
ENTER_PAGE = """<!DOCTYPE html><title>Prefect</title><script>
localStorage.setItem("prefect-password", location.hash.slice(1)); location.replace("/deployments");
</script>"""  # the part of an address after # stays in the browser: neither a log nor the network has it


def origins(host: str, port: int) -> list[str]:
    """The addresses of the interface as a browser names them."""
    names = [host, "127.0.0.1", "localhost"]
    return [f"http://{f'[{name}]' if ':' in name else name}:{port}" for name in dict.fromkeys(names)]


class OwnPagesOnly:
    """Refuse every request and websocket that does not come from the interface's own pages or from a program.

    A program sends no Origin. A browser sends it with whatever can change something, and always tells by
    Sec-Fetch-Site whether a page of another site is behind a request.
    """

    def __init__(self, app: ASGIApp, allowed: Iterable[str]) -> None:
        self.app, self.origins = app, frozenset(allowed)
        self.hosts = frozenset(urlsplit(origin).netloc.lower() for origin in self.origins)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] not in ("http", "websocket"):
            await self.app(scope, receive, send)
        elif reason := self.refusal(Headers(scope=scope)):
            await refuse(reason, scope, receive, send)
        elif scope["type"] == "http" and scope["path"] == ENTER:
            await HTMLResponse(ENTER_PAGE)(scope, receive, without_frames(send))
        else:
            await self.app(scope, receive, without_frames(send))

    def refusal(self, headers: Headers) -> str | None:
        """Why a request is refused, or None."""
        if headers.getlist("host") == [] or any(host.lower() not in self.hosts for host in headers.getlist("host")):
            return "this Host is not the interface's own"
        if any(origin.lower() not in self.origins for origin in headers.getlist("origin")):
            return "this Origin is not the interface's own"
        foreign = headers.get("sec-fetch-site", "none") in ("cross-site", "same-site")
        if foreign and "origin" not in headers and headers.get("sec-fetch-mode") != "navigate":
            return "a page of another site asks"
        return None


async def refuse(reason: str, scope: Scope, receive: Receive, send: Send) -> None:
    """Answer 403, or close a websocket before it is accepted, which is 403 as well."""
    if scope["type"] == "websocket":
        await send({"type": "websocket.close", "code": 1008, "reason": reason})
    else:
        await PlainTextResponse(reason + "\n", 403)(scope, receive, send)


def without_frames(send: Send) -> Send:
    """Forbid other pages to show a reply in a frame, where they could lead the user's clicks."""

    async def send_with_header(message: Message) -> None:
        if message["type"] == "http.response.start":
            headers = MutableHeaders(scope=message)
            headers["X-Frame-Options"] = "DENY"
            headers["Content-Security-Policy"] = "frame-ancestors 'none'"
        await send(message)

    return send_with_header


def main(arguments: list[str] | None = None) -> int:
    """Serve until a signal ends it. The allowed origins come from Prefect's own setting for them."""
    parser = argparse.ArgumentParser(prog="python -m flows.server", description="Prefect's server, origins checked.")
    parser.add_argument("--host", required=True)
    parser.add_argument("--port", type=int, required=True)
    given = parser.parse_args(arguments)
    import uvicorn
    from prefect.server.api.server import create_app

    allowed = [origin.strip().lower() for origin in os.environ[ORIGINS].split(",")]
    app = OwnPagesOnly(create_app(final=True), allowed)
    uvicorn.run(app, host=given.host, port=given.port, timeout_keep_alive=5, log_level="warning")
    return 0


if __name__ == "__main__":
    sys.exit(main())
