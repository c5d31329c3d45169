"""The verdict table, stated a second time in plain words and numbers. It uses nothing of the code under test."""

from __future__ import annotations

BLOCKING = {
    "paper": {"environment", "secrets", "read_only_guard", "redis", "postgres", "storage"},
    "dev": {"environment", "redis", "postgres", "storage"},
    "test": {"environment", "redis", "postgres", "storage"},
}
NAME_OF_CODE = {0: "GO", 1: "NO_GO", 3: "UNVERIFIED", 4: "WARNED", 5: "UNRECORDED"}
PRECEDENCE = (1, 5, 3, 4, 6, 0)

Raw = dict[str, str]  # check id -> what it found, before anything is lowered


def stated(
    raw: Raw,
    *,
    env: str,
    mode: str,
    expected: set[str],
    waived: set[str],
    strict: bool,
    recorded: bool,
    broken: bool,
    overridden: bool,
    unsent: bool = False,
) -> tuple[str, int, bool]:
    """Give (verdict, exit code, ready_for_live) as the table says."""
    blocking = {check_id for check_id in raw if env == "live" or check_id in BLOCKING[env]}
    used = {check_id for check_id in waived if raw.get(check_id) == "fail"}
    lowered = used | {i for i in raw if i not in blocking and raw[i] in ("fail", "error")}
    counts = {check_id: "warn" if check_id in lowered else status for check_id, status in raw.items()}

    codes = {0}
    if "fail" in counts.values():
        codes.add(1)
    if not recorded:
        codes.add(5)
    proved = [i for i in blocking if counts[i] in ("pass", "warn")]
    errors = [i for i in blocking if counts[i] == "error"]
    skips = [i for i in blocking if counts[i] == "skip"]
    if (
        broken
        or errors
        or (skips and mode != "dry-run")
        or (mode != "partial" and expected - set(raw))
        or (not proved and 1 not in codes)
        or mode == "partial"
    ):
        codes.add(3)
    if strict and ("warn" in counts.values() or unsent):
        codes.add(4)
    if mode == "dry-run":
        codes.add(6)
    code = next(code for code in PRECEDENCE if code in codes)
    verdict = {"dry-run": "DRY_RUN", "partial": "PARTIAL"}.get(mode, NAME_OF_CODE.get(code, "?"))
    ready = verdict == "GO" and env == "live" and not used and not overridden
    return verdict, code, ready
