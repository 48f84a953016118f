"""The dashboard in a browser: textual-serve on one address, behind checks of who asks."""

from __future__ import annotations

import asyncio
import base64
import binascii
import contextlib
import errno
import hmac
import secrets
import signal
import sys
from collections.abc import Callable
from ipaddress import ip_address
from typing import TYPE_CHECKING

from aiohttp import web
from textual_serve.server import Server

from meetctl.errors import ServiceError

if TYPE_CHECKING:
    from aiohttp.typedefs import Handler, Middleware

MOST_BROWSERS = 8
"""So many windows are served at a time; each has a process of its own."""

_COOKIE = "meetctl_tui"
_WRONG_PASSWORD_S = 1.0
"""So long a wrong password is thought about."""

_CHALLENGE = {"WWW-Authenticate": 'Basic realm="meetctl", charset="UTF-8"'}


class DashboardServer(Server):
    """Serves one command to browsers, on exactly one address.

    Without a password only pages of this server may talk to it, under a name of this machine: otherwise any
    page that somebody looks at could read the dashboard through their browser.
    """

    def __init__(
        self, command: str, *, host: str, port: int, password: str | None, ready: Callable[[str], None]
    ) -> None:
        super().__init__(command, host=host, port=port, title="meetctl")
        self.public_url = _address(host, port)
        self._password = password
        self._ready = ready
        self._pass = secrets.token_urlsafe(32)
        self._open = 0

    def run(self) -> None:
        """Serve until SIGTERM; Ctrl-C is raised as KeyboardInterrupt.

        Raises:
            ServiceError: The address cannot be had.
        """
        # What is served may print its errors, and textual-serve passes them on to stdout, which is for data.
        with contextlib.redirect_stdout(sys.stderr):
            try:
                asyncio.run(self._serve())
            except OSError as error:
                reason = "it is taken" if error.errno == errno.EADDRINUSE else error.strerror or str(error)
                message = f"the dashboard cannot be served on {self.public_url}: {reason}"
                raise ServiceError(message, hint="choose another one with --port or --host") from error

    def initialize_logging(self) -> None:
        """Log nothing: textual-serve would show the values of variables."""

    async def on_startup(self, app: web.Application) -> None:
        """Say nothing yet: it is not listening."""

    async def handle_index(self, request: web.Request) -> web.StreamResponse:
        """Return the page, which comes back under the name by which it was asked for."""
        self.public_url = f"{request.scheme}://{request.host}"
        page: web.StreamResponse = await super().handle_index(request)
        return page

    async def handle_websocket(self, request: web.Request) -> web.WebSocketResponse:
        """Run the dashboard for one window."""
        if self._open >= MOST_BROWSERS:
            raise web.HTTPServiceUnavailable(text=f"{MOST_BROWSERS} windows are open already\n")
        self._open += 1
        try:
            return await super().handle_websocket(request)
        finally:
            self._open -= 1

    async def _make_app(self) -> web.Application:
        app = await super()._make_app()
        app.middlewares.append(self._make_guard())
        return app

    async def _serve(self) -> None:
        ending = asyncio.Event()
        asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, ending.set)
        runner = web.AppRunner(await self._make_app())
        await runner.setup()
        try:
            await web.TCPSite(runner, self.host, self.port).start()
            self._ready(self.public_url)
            await ending.wait()
        finally:
            await runner.cleanup()

    def _make_guard(self) -> Middleware:
        @web.middleware
        async def guard(request: web.Request, handler: Handler) -> web.StreamResponse:
            """Let nobody in who may not, be it to the page, to a file or to the websocket."""
            if not self._is_own_page(request):
                raise web.HTTPForbidden(text="this dashboard answers its own page only\n")
            if self._password is not None and not self._is_known(request):
                if "Authorization" in request.headers:
                    await asyncio.sleep(_WRONG_PASSWORD_S)
                raise web.HTTPUnauthorized(text="a password is needed\n", headers=_CHALLENGE)
            response = await handler(request)
            if not response.prepared:
                self._protect(request, response)
            return response

        return guard

    def _is_own_page(self, request: web.Request) -> bool:
        origin = request.headers.get("Origin")
        if origin is not None and origin.partition("://")[2] != request.host:
            return False
        return self._password is not None or _names_loopback(request.host)

    def _is_known(self, request: web.Request) -> bool:
        assert self._password is not None
        if hmac.compare_digest(request.cookies.get(_COOKIE, "").encode(), self._pass.encode()):
            return True
        given = _read_password(request.headers.get("Authorization", ""))
        return hmac.compare_digest(given, self._password.encode())

    def _protect(self, request: web.Request, response: web.StreamResponse) -> None:
        """Let the page load nothing from elsewhere, and remember who has given the password.

        Not every browser gives a password again when a page opens a websocket.
        """
        response.headers["Content-Security-Policy"] = (
            "default-src 'self'; script-src 'self' 'unsafe-inline'; style-src 'self' 'unsafe-inline'; "
            f"img-src 'self' data:; connect-src 'self' ws://{request.host} wss://{request.host}; "
            "frame-ancestors 'none'"
        )
        response.headers["Referrer-Policy"] = "no-referrer"
        response.headers["Cache-Control"] = "no-store"
        if self._password is not None:
            response.set_cookie(_COOKIE, self._pass, httponly=True, samesite="Strict")


def _read_password(authorization: str) -> bytes:
    """Return the password of HTTP Basic; whose it is said to be does not matter."""
    scheme, _, encoded = authorization.partition(" ")
    if scheme.casefold() != "basic":
        return b""
    try:
        return base64.b64decode(encoded, validate=True).partition(b":")[2]
    except (binascii.Error, ValueError):
        return b""


def _names_loopback(host: str) -> bool:
    """Tell whether a request was for this machine by a name that nobody else can give to it."""
    name = host.rsplit(":", 1)[0] if not host.endswith("]") else host
    if name == "localhost":
        return True
    try:
        return ip_address(name.strip("[]")).is_loopback
    except ValueError:
        return False


def _address(host: str, port: int) -> str:
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"
