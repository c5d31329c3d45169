"""The supply as a page, in English and Korean."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Final

from supply.check import licence_of
from supply.licences import Licences
from supply.part import Kind, Part

PAGE: Final = "docs/supply.md"

_HEAD: Final = """\
# Supply · 공급망

<!-- Written by `python -m supply renew`: the fast gate compares it with the locks and with supply/licences.toml. -->

All that is installed or built, with its licence and its pinned hashes. The hashes themselves stand in the file that
pins a part; *hashes* here is a fingerprint of them: the first 16 hexadecimal digits of the sha256 over the sorted
hashes, one a line. What is not permissive stands first, each with its reason. A part without a licence or a hash, or
under a licence that is unknown, AGPL or SSPL, fails `gate fast`.

설치하거나 빌드하는 모든 것과 그 라이선스, 고정된 해시이다. 해시 자체는 그것을 고정하는 파일에 있고, 여기의 *hashes*는
그 지문이다(정렬한 해시를 한 줄에 하나씩 이어 sha256으로 셈한 값의 앞 16자리). 허용적이지 않은 것은 이유와 함께 먼저
적는다. 라이선스나 해시가 없거나, 라이선스가 알 수 없는 것이거나 AGPL, SSPL이면 `gate fast`가 실패한다.
"""
_TITLES: Final[Mapping[Kind, str]] = {
    "pypi": "Python packages · 파이썬 패키지",
    "npm": "npm packages · npm 패키지",
    "go": "Go modules that Prometheus is built from · Prometheus를 빌드하는 Go 모듈",
    "debian": "Debian packages · 데비안 패키지",
    "image": "Base of the images, and official images · 이미지의 바탕과 공식 이미지",
}
_NOTES: Final[Mapping[Kind, str]] = {
    "debian": """\
No version is pinned: the release's own, with its security fixes; `apt` checks the archive's signature over every byte.

버전은 고정하지 않는다: 릴리스의 것과 그 보안 수정이며, `apt`가 저장소의 서명으로 모든 바이트를 확인한다.
""",
    "image": """\
A digest counts where one stands beside the tag (`NAME:TAG@sha256:...`): [compose.md](compose.md) says how to get it.
None is known here: no image registry was within reach, and a digest that was not read from one is worth nothing.

태그 옆에 다이제스트(`NAME:TAG@sha256:...`)가 있으면 그것이 쓰인다. 얻는 법은 [compose.md](compose.md)에 있다. 여기서는
알려진 것이 없다: 이미지 레지스트리에 닿지 못했고, 레지스트리에서 읽지 않은 다이제스트는 아무 값어치가 없다.
""",
}


def page(parts: Iterable[Part], licences: Licences) -> str:
    """Return the whole page."""
    every = tuple(parts)
    sections = [_HEAD, _named(every, licences)]
    for kind, title in _TITLES.items():
        rows = [part for part in every if part.kind == kind]
        note = _NOTES.get(kind, "")
        lines = [
            f"| {part.name} | {part.version or '—'} | {licence_of(part, licences)} | {part.fingerprint or '—'} | "
            f"{part.pinned_by} |"
            for part in rows
        ]
        head = "| part | version | licence | hashes | pinned by |\n|---|---|---|---|---|"
        sections.append("\n".join([f"## {title}\n", *([note] if note else []), head, *lines]) + "\n")
    return "\n".join(sections)


def _named(parts: tuple[Part, ...], licences: Licences) -> str:
    groups: dict[tuple[str, str], list[str]] = {}
    for part in parts:
        if reason := licences.reasons.get(part.key):
            words = f"{part.name} ({licence_of(part, licences)})"
            rows = groups.setdefault((reason.english, reason.korean), [])
            rows += [] if words in rows else [words]
    lines = [f"| {', '.join(rows)} | {english}<br>{korean} |" for (english, korean), rows in groups.items()]
    return "\n".join(["## Not permissive · 허용적이지 않은 것\n", "| parts | reason |\n|---|---|", *lines]) + "\n"
