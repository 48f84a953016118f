"""The pictures of the documentation: the audit's table as SVG, and the HTML report in a browser."""

from __future__ import annotations

import hashlib
import re
import shutil
import subprocess
from dataclasses import replace
from fractions import Fraction
from io import BytesIO, StringIO
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

from meetctl import bootstrap
from meetctl.domain.policy import Policy, name_rate
from meetctl.reports.table import print_audit
from meetctl.services.replay import AuditRequest, audit_recording
from meetctl.services.summary import make_audit

if TYPE_CHECKING:
    from docs.commands import Commands
    from meetctl.domain.audit import Audit

TABLE_COMMAND = "meetctl replay --fps 1 --fps 0.2 recordings/code-walkthrough"
TABLE_RATES = (Fraction(1), Fraction(1, 5))
TABLE_COLUMNS = 116
REPORT_COMMAND = (
    "meetctl replay --sweep --meaning every_frame --format html -o report.html recordings/code-walkthrough"
)
REPORT_SIZE = (1000, 1720)
_FONT_FACES = re.compile(r"\s*@font-face \{.*?\}", re.DOTALL)
_SOURCE = "meetctl-report-sha256"
_BROWSER_LIMIT_S = 120


def draw_table(recordings: Path) -> str:
    """Return the table that the command prints, in colour, as SVG that loads nothing from elsewhere."""
    from rich.console import Console

    console = Console(
        record=True,
        file=StringIO(),
        width=TABLE_COLUMNS,
        force_terminal=True,
        color_system="truecolor",
        highlight=False,
        legacy_windows=False,
    )
    print_audit(_audit_for_table(recordings), console)
    svg = console.export_svg(title=TABLE_COMMAND, unique_id="meetctl-replay")
    lines = _FONT_FACES.sub("", svg).splitlines()
    return "\n".join(line.rstrip() for line in lines) + "\n"


def _audit_for_table(recordings: Path) -> Audit:
    base = Policy(name="base", fps=Fraction(1))
    policies = tuple(replace(base, name=name_rate(fps), fps=fps) for fps in TABLE_RATES)
    book = bootstrap.price_book(())
    recording = audit_recording(
        recordings / "code-walkthrough",
        AuditRequest(base=base, policies=policies),
        source=bootstrap.frame_source(),
        book=book,
        progress=_ignore,
    )
    return make_audit([recording], price_book=book.version, meaning="per_turn", target=0.95, sweep=False)


def _ignore(step: str, done: float, total: float, unit: str) -> None:
    """Take progress that nobody watches."""


def draw_report(commands: Commands, picture: Path) -> str:
    """Write a picture of the HTML report, unless it is of this very report; return what was done.

    Browsers draw letters differently from one version to the next, so the picture is never compared.
    """
    browser = shutil.which("chromium")
    if browser is None:
        return f"{picture.name}: left as it is, chromium is not on PATH"
    commands.run(REPORT_COMMAND)
    page = commands.directory / "report.html"
    digest = hashlib.sha256(page.read_bytes()).hexdigest()
    if picture.exists() and _source_of(picture) == digest:
        return f"{picture.name}: as it was"
    picture.write_bytes(_shrink(_photograph(browser, page), digest))
    return f"{picture.name}: {picture.stat().st_size // 1000} kB"


def _photograph(browser: str, page: Path) -> bytes:
    width, height = REPORT_SIZE
    with TemporaryDirectory() as directory:
        shot = Path(directory) / "shot.png"
        subprocess.run(
            [
                *(browser, "--headless", "--no-sandbox", "--disable-gpu", "--hide-scrollbars"),
                *("--no-first-run", "--disable-dev-shm-usage", "--host-resolver-rules=MAP * ~NOTFOUND"),
                *(f"--user-data-dir={directory}/profile", f"--window-size={width},{height}"),
                *(f"--screenshot={shot}", page.as_uri()),
            ],
            check=True,
            capture_output=True,
            timeout=_BROWSER_LIMIT_S,
        )
        return shot.read_bytes()


def _shrink(png: bytes, digest: str) -> bytes:
    """Return the picture with 256 colours, and with what it was made from noted in it."""
    from PIL import Image
    from PIL.PngImagePlugin import PngInfo

    note = PngInfo()
    note.add_text(_SOURCE, digest)
    buffer = BytesIO()
    with Image.open(BytesIO(png)) as image:
        image.convert("RGB").quantize(256).save(buffer, "PNG", optimize=True, pnginfo=note)
    return buffer.getvalue()


def _source_of(picture: Path) -> str | None:
    from PIL import Image

    with Image.open(picture) as image:
        return str(image.info.get(_SOURCE))
