"""The Chromium of this machine, driven by Playwright: nothing is downloaded, and no secret is in an argument."""

from __future__ import annotations

import shutil
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from playwright.sync_api import Browser, sync_playwright
from playwright.sync_api import Error as PlaywrightError

__all__ = ["Browser", "BrowserError", "find_chromium", "first_line", "open_chromium"]

_NAMES = ("chromium", "chromium-browser", "google-chrome")
_FLAGS = (
    "--disable-gpu",
    "--disable-quic",
    "--disable-dev-shm-usage",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--force-color-profile=srgb",
    "--hide-scrollbars",
)


class BrowserError(Exception):
    """The browser cannot be started, ended by itself, or did not answer; the text is meant for a person."""


def find_chromium(given: Path | None = None) -> Path:
    """Find the browser.

    Raises:
        BrowserError: There is none.
    """
    names = (str(given),) if given is not None else _NAMES
    found = next((path for name in names if (path := shutil.which(name))), None)
    if found is None:
        hint = "install it by `scripts/install_chromium.sh`, or name one by --chromium"
        raise BrowserError(f"no browser: {', '.join(names)} cannot be run; {hint}")
    return Path(found)


@contextmanager
def open_chromium(binary: Path, *, timeout: float = 30.0) -> Iterator[Browser]:
    """Run a browser, and end it with all that it started.

    Args:
        binary: The program.
        timeout: Seconds that it may take to start.

    Raises:
        BrowserError: It cannot be started, or failed while it was in use.
    """
    with sync_playwright() as playwright:
        try:
            browser = playwright.chromium.launch(
                executable_path=binary,
                args=list(_FLAGS),
                chromium_sandbox=False,  # root may not have one
                timeout=1000 * timeout,
            )
        except PlaywrightError as error:
            raise BrowserError(f"{binary} cannot be started: {first_line(error)}") from error
        try:
            yield browser
        except PlaywrightError as error:
            raise BrowserError(f"the browser {binary} failed: {first_line(error)}") from error
        finally:
            browser.close()


def first_line(error: PlaywrightError) -> str:
    """Give what happened, without the call log behind it."""
    return (error.message.strip().splitlines() or ["no reason given"])[0]


if __name__ == "__main__":  # says where it is; 1 where there is none
    try:
        sys.stdout.write(f"{find_chromium()}\n")
    except BrowserError as error:
        sys.exit(str(error))
