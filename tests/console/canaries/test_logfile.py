"""The log file: no record and no traceback in it holds a canary, whoever wrote it and whatever was raised."""

from __future__ import annotations

import logging
from pathlib import Path

from console.logfile import logged_to
from tests.canaries.bird import jwt, token, word
from tests.canaries.searching import found

CANARIES = {place: token(place) for place in ("bearer", "login", "query", "path", "header", "named")} | {"word": word("w"), "jwt": jwt("j")}


def raised() -> None:
    c = CANARIES
    try:
        raise ValueError(f"no JSON: {{'Authorization': 'Bearer {c['bearer']}', 'X-Gate': '{c['header']}'}}")
    except ValueError as error:
        url = f"https://ops:{c['login']}@h.example/x?sig={c['query']}"
        raise OSError(5, f"password={c['word']}", url) from error


def test_what_is_logged_and_what_is_raised_is_in_the_file_without_its_secrets(tmp_path: Path) -> None:
    path = tmp_path / "midwatch.log"
    log = logging.getLogger("console.somewhere")
    with logged_to(path):
        log.warning("asked %s for /stat?key=%s", "h", CANARIES["path"])
        log.info("token: %s, id %s", CANARIES["named"], CANARIES["jwt"])
        try:
            raised()
        except OSError:
            log.exception("a pane failed")
    text = path.read_text()
    assert found(text, CANARIES) == [], text
    assert "a pane failed" in text and "ValueError: no JSON" in text and "in raised" in text and "Input/output" not in text
    assert text.count("WARNING console.somewhere: asked h for /stat?[redacted]") == 1
