"""Runs Grafana's own display library: one Node process for all panels and all major versions."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

from acceptance.display.model import Displayed, PanelRequest

__all__ = ["Display", "DisplayError", "GrafanaLibrary"]

_MAIN = Path(__file__).with_name("node") / "main.mjs"
_SECONDS = 60.0  # for all panels; 3 on an idle machine
_HEAP_MIB = 400


class DisplayError(RuntimeError):
    """What panels display cannot be determined; the text says why and what to do."""


class Display(Protocol):
    """What can say what panels display; a `GrafanaLibrary` is one."""

    def show(self, requests: Sequence[PanelRequest]) -> tuple[Mapping[str, Displayed], ...]:
        """Return, for each panel in order, major version -> what it displays."""


@dataclass(frozen=True, slots=True, kw_only=True)
class GrafanaLibrary:
    """Grafana's library as installed."""

    node: Path  # the program
    folder: Path  # of the component: package.json, node_modules, schema.json

    def show(self, requests: Sequence[PanelRequest]) -> tuple[Mapping[str, Displayed], ...]:
        """Return, for each panel in order, major version -> what it displays.

        Raises:
            DisplayError: The process fails, does not end, or its answer cannot be read.
        """
        if not requests:
            return ()
        raw = self._ask({"panels": [request.to_dict() for request in requests]})
        try:
            versions = raw["versions"]
            found = tuple(
                {major: Displayed.read(major, versions[major], one[major]) for major in versions}
                for one in raw["panels"]
            )
        except (AttributeError, KeyError, TypeError) as error:
            raise DisplayError(f"Grafana's library answered in an unknown form: {error!r}") from error
        if len(found) != len(requests):
            raise DisplayError(f"Grafana's library answered {len(found)} of {len(requests)} panels")
        return found

    def _ask(self, request: Mapping[str, object]) -> Any:
        command = [str(self.node), f"--max-old-space-size={_HEAP_MIB}", str(_MAIN), str(self.folder)]
        try:
            done = subprocess.run(
                command, input=json.dumps(request).encode(), capture_output=True, timeout=_SECONDS, check=False
            )
            if done.returncode == 0:
                return json.loads(done.stdout)
        except subprocess.TimeoutExpired as error:
            raise DisplayError(f"Grafana's library did not answer within {_SECONDS:g} s") from error
        except (OSError, ValueError) as error:
            raise DisplayError(f"Grafana's library cannot be run with {self.node.name}: {error}") from error
        said = done.stderr.decode(errors="replace").strip().splitlines()
        reason = next((line for line in said if "Error" in line), said[-1] if said else "it says nothing")
        raise DisplayError(f"Grafana's library ended with {done.returncode}: {reason[:300]}; remedy: make components")
