"""Which files are mutated, and the tests that are run against each: those that see most first, none that takes long."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from types import MappingProxyType

ROOMS = ("preflight/record", "preflight/alerts", "evidence/verify", "evidence/claims")  # every file of these with code
_RECORD, _ALERTS, _EVIDENCE = "tests/preflight/record/", "tests/preflight/alerts/", "tests/evidence/"
_NOT_SLOW = ("-k", "not twenty and not ccxt")
_GATE = ("tests/preflight/test_gate.py", "tests/preflight/test_gate_alerts.py", *_NOT_SLOW)
_LEDGER = (_RECORD + "test_ledger.py", _RECORD + "test_previous.py")
_ANNOUNCER = (_ALERTS + "test_announcer.py", _ALERTS + "test_announcer_telegram.py")
_VERIFY = (_EVIDENCE + "verify", "-k", "not no_value_breaks")
_CLAIMS = (_EVIDENCE + "claims", "-k", "not named_packages")

TESTS: Mapping[str, Sequence[str]] = MappingProxyType(
    {
        "preflight/model.py": ("tests/preflight/test_model.py", "tests/preflight/test_gate.py"),
        "preflight/runner.py": (
            *("tests/preflight/test_runner.py", "tests/preflight/test_shared_imports.py"),
            *("tests/preflight/test_gate.py", *_NOT_SLOW),
        ),
        "preflight/gate.py": _GATE,
        "preflight/conclusion.py": _GATE,
        "preflight/worker.py": ("tests/preflight/test_worker.py", "tests/preflight/test_runner.py"),
        "preflight/record/catalogue.py": (_RECORD + "test_catalogue.py", _RECORD + "test_metrics.py", *_LEDGER),
        "preflight/record/durable.py": (
            *(_RECORD + "test_durable.py", _RECORD + "test_textfile.py", _ALERTS + "test_spool.py"),
        ),
        "preflight/record/foreign_files.py": ("tests/preflight/checks/test_storage.py",),
        "preflight/record/ledger.py": (*_LEDGER, _RECORD + "test_ledgerfile.py"),
        "preflight/record/ledgerfile.py": (_RECORD + "test_ledgerfile.py", _RECORD + "test_ledger.py"),
        "preflight/record/lock_owner.py": (_RECORD + "test_lock_owner.py",),
        "preflight/record/metrics.py": (_RECORD + "test_metrics.py", *_LEDGER),
        "preflight/record/overwrite.py": _LEDGER,
        "preflight/record/previous.py": _LEDGER,
        "preflight/record/schema.py": (_RECORD + "test_ledgerfile.py", _RECORD + "test_ledger.py"),
        "preflight/record/state.py": (_RECORD + "test_state.py", *_LEDGER),
        "preflight/record/textfile.py": (_RECORD + "test_textfile.py", *_LEDGER),
        "preflight/alerts/account.py": _ANNOUNCER,
        "preflight/alerts/alert.py": (_ALERTS + "test_alert.py", *_ANNOUNCER),
        "preflight/alerts/announcer.py": (*_ANNOUNCER, "tests/preflight/test_gate_alerts.py"),
        "preflight/alerts/chat_rights.py": (
            *(_ALERTS + "test_chat_rights.py", "tests/preflight/checks/test_alert_channel.py"),
        ),
        "preflight/alerts/clock.py": (_ALERTS + "test_clock.py", _ALERTS + "test_throttle.py"),
        "preflight/alerts/decide.py": (_ALERTS + "test_decide.py", *_ANNOUNCER),
        "preflight/alerts/deliver.py": (_ALERTS + "test_deliver.py", *_ANNOUNCER),
        "preflight/alerts/documents.py": (_ALERTS + "test_alert.py", _ALERTS + "test_history.py"),
        "preflight/alerts/file.py": (_ALERTS + "test_deliver.py", *_ANNOUNCER),
        "preflight/alerts/history.py": (_ALERTS + "test_history.py",),
        "preflight/alerts/keep.py": (_ALERTS + "test_deliver.py", *_ANNOUNCER),
        "preflight/alerts/message.py": (_ALERTS + "test_message.py",),
        "preflight/alerts/migrate.py": (_ALERTS + "test_history.py", "tests/preflight/commands/test_alerts.py"),
        "preflight/alerts/settle.py": _ANNOUNCER,
        "preflight/alerts/spool.py": (_ALERTS + "test_spool.py", *_ANNOUNCER),
        "preflight/alerts/telegram.py": (_ALERTS + "test_telegram.py",),
        "preflight/alerts/telegram_answer.py": (_ALERTS + "test_telegram_answer.py", _ALERTS + "test_telegram.py"),
        "preflight/alerts/throttle.py": (_ALERTS + "test_throttle.py", *_ANNOUNCER),
        "evidence/verify/archive.py": _VERIFY,
        "evidence/verify/report.py": _VERIFY,
        "evidence/claims/__init__.py": (
            *(_EVIDENCE + "claims", _EVIDENCE + "verify/test_tampering.py"),
            *("-k", "claim and not named_packages"),
        ),
        "evidence/claims/document.py": _CLAIMS,
        "evidence/claims/facts.py": _CLAIMS,
        "evidence/claims/judge.py": _CLAIMS,
        "evidence/claims/seed.py": _CLAIMS,
        "evidence/claims/seed_map.py": _CLAIMS,
        "evidence/claims/table.py": _CLAIMS,
    }
)
