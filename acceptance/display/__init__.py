"""What panels display on each supported Grafana, by Grafana's own library (Apache-2.0) under Node.

The seam is `Display`: panels with the frames that `/api/ds/query` answered go in, texts, colours and faults come out.
`node/` is the program that calls the library; `docker/components/grafana-display` pins it. A third major version is
one alias in the `package.json` there.
"""

from acceptance.display.library import Display, DisplayError, GrafanaLibrary
from acceptance.display.model import Axis, BandState, Displayed, DisplayedItem, PanelRequest

__all__ = [
    "Axis",
    "BandState",
    "Display",
    "DisplayError",
    "Displayed",
    "DisplayedItem",
    "GrafanaLibrary",
    "PanelRequest",
]
