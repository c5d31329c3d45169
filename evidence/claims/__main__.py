"""``python -m evidence.claims``: write ``docs/seed-map.md`` anew."""

from __future__ import annotations

from pathlib import Path

from evidence.claims import seed, seed_map

(Path(__file__).parents[2] / seed_map.PAGE).write_text(seed_map.render(seed.load()), encoding="utf-8")
