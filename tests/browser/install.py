"""Finds a Chromium for the browser tests, or installs one: Playwright's own, else Debian's package."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys

NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")


def installed() -> str | None:
    """The path of a Chromium on this machine, Playwright's own included; None where there is none."""
    found = next(filter(None, map(shutil.which, NAMES)), None)
    if found:
        return found
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        path = playwright.chromium.executable_path
    return path if os.path.exists(path) else None


def main() -> None:
    """Installs a Chromium where there is none; ends with a sentence where that is not possible."""
    if installed():
        return
    admin = [] if os.geteuid() == 0 else ["sudo"]
    for commands in (
        [[sys.executable, "-m", "playwright", "install", "--with-deps", "chromium"]],
        [[*admin, "apt-get", "update"], [*admin, "apt-get", "install", "--yes", "chromium"]],
    ):
        if all(subprocess.run(command, check=False).returncode == 0 for command in commands) and installed():
            return
    sys.exit("There is no Chromium, and it could not be installed. Install one, then run make test again.")


if __name__ == "__main__":
    main()
