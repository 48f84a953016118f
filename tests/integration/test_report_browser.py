"""The HTML report in a real browser: what it shows, how it is laid out, and that it reaches nothing."""

from __future__ import annotations

import html
import json
import re
import subprocess
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Any

import pytest
from PIL import Image
from tests.browser import QUIET_OPTIONS
from tests.fakes.report_audits import make_audit, make_policies, make_recording, make_recording_audit
from tests.session_bundles import TALK, write_session

from meetctl import bootstrap
from meetctl.reports.html import render_html
from meetctl.reports.html.page import CONTENT_POLICY
from meetctl.reports.html.session import render_session
from meetctl.services.sessions import read_session

if TYPE_CHECKING:
    from pathlib import Path

BROWSER_LIMIT_S = 120
OPTIONS = [*QUIET_OPTIONS, "--hide-scrollbars"]
OFFLINE = "--host-resolver-rules=MAP * ~NOTFOUND"
HOSTILE = "<script>document.title='broken'<b>.mkv"

MEASURE = """<script>
const sizes = [...document.querySelectorAll("svg[role=img]")].map(drawing => {
  const box = drawing.getBoundingClientRect();
  return {kind: drawing.getAttribute("class"), width: box.width, height: box.height};
});
const texts = [...document.querySelectorAll("svg[role=img] text")].map(text => text.getBoundingClientRect())
  .filter(box => box.width > 0);
document.body.dataset.measured = JSON.stringify({
  sizes, window: innerWidth, page: document.documentElement.scrollWidth,
  left: Math.min(...texts.map(box => box.left)), right: Math.max(...texts.map(box => box.right)),
  pictures: [...document.images].every(picture => picture.complete && picture.naturalWidth > 0),
});
</script>"""
"""Runs only in a copy of the page without its content policy."""

Browser = Callable[..., str]


@pytest.fixture
def browser(require_tool: Callable[[str], str], tmp_path: Path) -> Browser:
    chromium = require_tool("chromium")

    def run(page: Path, *options: str) -> str:
        done = subprocess.run(
            [chromium, *OPTIONS, f"--user-data-dir={tmp_path / 'profile'}", *options, page.as_uri()],
            capture_output=True,
            text=True,
            encoding="utf-8",
            timeout=BROWSER_LIMIT_S,
            check=True,
        )
        return done.stdout

    return run


@pytest.fixture
def report() -> str:
    policies = make_policies("1", "0.5", "0.2")
    audit = make_audit(
        make_recording_audit(make_recording(HOSTILE), policies, pictures=True),
        make_recording_audit(make_recording("standup.mkv", tracks=("screen", "camera")), policies),
        make_recording_audit(make_recording("call.mkv"), policies, method="off"),
    )
    return render_html(audit, ["It costs $7.96 an hour.", "Two tracks.", "Nobody looked."])


def save(text: str, path: Path) -> Path:
    path.write_text(text, encoding="utf-8")
    return path


@contextmanager
def serve() -> Iterator[tuple[str, list[str]]]:
    """Yield a server's address and the list of what is asked of it."""
    asked: list[str] = []

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            asked.append(self.path)
            self.send_error(404)

        def log_message(self, format: str, *args: object) -> None:
            """Keep quiet."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}", asked
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def measure(browser: Browser, report: str, path: Path, width: int) -> dict[str, Any]:
    open_page = re.sub(r"<meta http-equiv[^>]*>", "", report).replace("</body>", f"{MEASURE}</body>")
    shown = browser(save(open_page, path), "--dump-dom", OFFLINE, f"--window-size={width},2000")
    found = re.search(r'data-measured="([^"]*)"', shown)
    assert found
    measured: dict[str, Any] = json.loads(html.unescape(found[1]))
    return measured


def test_browser_shows_the_page_as_written(browser: Browser, report: str, tmp_path: Path) -> None:
    shown = browser(save(report, tmp_path / "report.html"), "--dump-dom", OFFLINE)
    for part in ("It costs $7.96 an hour.", "$238.68/h", "12 of 13", "Missed by 1 fps: 0:31.2.", "Total"):
        assert part in shown
    assert "<title>Vision cost audit: 3 recordings</title>" in shown
    assert html.escape(HOSTILE, quote=False) in shown
    assert "<script" not in shown


@pytest.mark.parametrize("width", [1200, 390], ids=["desktop", "phone"])
def test_drawings_are_laid_out_within_the_window(
    browser: Browser, report: str, tmp_path: Path, width: int
) -> None:
    measured = measure(browser, report, tmp_path / "measured.html", width)
    seen = [size for size in measured["sizes"] if size["width"] and size["height"]]
    kinds = [size["kind"] for size in seen]
    assert kinds.count("timeline") == 4
    assert kinds.count("bars") == 2
    assert kinds.count("wide" if width > 600 else "narrow") == 2
    assert len(kinds) == 8
    assert all(size["width"] > 0.6 * min(width, 960) and size["height"] > 100 for size in seen)
    assert measured["page"] <= measured["window"]
    assert measured["left"] >= 0
    assert measured["right"] <= measured["window"]
    assert measured["pictures"]


@pytest.mark.parametrize(
    ("scheme", "page", "accent"),
    [("1", (255, 255, 255), (29, 95, 168)), ("0", (18, 22, 28), (130, 180, 242))],
    ids=["light", "dark"],
)
def test_screenshot_has_the_page_colours_and_the_timeline(
    browser: Browser, report: str, tmp_path: Path, scheme: str, page: tuple[int, ...], accent: tuple[int, ...]
) -> None:
    picture = tmp_path / "report.png"
    browser(
        save(report, tmp_path / "report.html"),
        f"--screenshot={picture}",
        "--window-size=1000,12000",
        f"--blink-settings=preferredColorScheme={scheme}",
        OFFLINE,
    )
    with Image.open(picture) as opened:
        image = opened.convert("RGB")
    assert image.getpixel((2, 2)) == page
    wide_rows = [row for row in range(image.height) if count(image, row, accent) > 0.9 * 920]
    # Three recordings, one of them with two tracks: in each timeline the source rate is a bar of full width.
    assert sum(row - 1 not in wide_rows for row in wide_rows) == 4


def count(image: Image.Image, row: int, colour: tuple[int, ...]) -> int:
    pixels = image.crop((0, row, image.width, row + 1)).tobytes()
    return sum(tuple(pixels[place : place + 3]) == colour for place in range(0, len(pixels), 3))


def test_content_policy_lets_the_page_reach_nothing(browser: Browser, report: str, tmp_path: Path) -> None:
    with serve() as (address, asked):
        planted = (
            f'<img src="{address}/image"><script src="{address}/script"></script>'
            f'<link rel="stylesheet" href="{address}/style"><iframe src="{address}/frame"></iframe></main>'
        )
        page = report.replace("</main>", planted)
        assert CONTENT_POLICY in page
        browser(save(page, tmp_path / "planted.html"), "--dump-dom")
        assert not asked
        unguarded = page.replace(CONTENT_POLICY, "")
        browser(save(unguarded, tmp_path / "unguarded.html"), "--dump-dom")
        assert {"/image", "/script", "/style", "/frame"} <= set(asked)


@pytest.fixture
def session_page(tmp_path: Path) -> str:
    hostile: list[tuple[str, dict[str, Any]]] = [
        ("participant.joined", {"participant": "x", "name": HOSTILE, "kind": "standard"}),
        ("transcript", {"role": "user", "participant": "x", "text": HOSTILE * 20, "final": True}),
        ("error", {"component": HOSTILE, "error": "E"}),
    ]
    path = write_session(tmp_path, room=HOSTILE, talk=[*TALK, *hostile])
    catalogue = bootstrap.session_catalogue(tmp_path)
    return render_session(read_session(catalogue.look_up(path), catalogue), ["A note."])


def test_browser_shows_a_sessions_page_as_written(
    browser: Browser, session_page: str, tmp_path: Path
) -> None:
    shown = browser(save(session_page, tmp_path / "summary.html"), "--dump-dom", OFFLINE)
    for part in (
        "What is our secret plan?",
        "Maya Chen",
        "$0.00276",
        "first sound",
        "A note.",
        "everyone left",
    ):
        assert part in shown
    assert shown.count(html.escape(HOSTILE, quote=False)) == 25
    assert "<title>Session 20261116T090000Z-standup-aaaaaa</title>" in shown
    assert "<script" not in shown
    assert CONTENT_POLICY in shown


@pytest.mark.parametrize("width", [1200, 390], ids=["desktop", "phone"])
def test_a_sessions_page_fits_the_window(
    browser: Browser, session_page: str, tmp_path: Path, width: int
) -> None:
    measured = measure(browser, session_page, tmp_path / "measured.html", width)
    assert measured["page"] <= measured["window"]
