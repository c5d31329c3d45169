"""What has become of a run's alerts so far. Each step adds to it: it is known wherever a run is interrupted."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field

from preflight.alerts.alert import Alert
from preflight.message import cleaned
from preflight.model import AlertItem


@dataclass(slots=True, kw_only=True)
class Account:
    """Items, counts and troubles, clean of secrets."""

    clean: Callable[[str], str]  # takes secrets out of a text
    warn: Callable[[str], None]  # is told at once what goes wrong
    items: list[AlertItem] = field(default_factory=list)  # in the order in which they were settled
    counts: Counter[tuple[str, str]] = field(default_factory=Counter)  # (severity, outcome) -> how many
    troubles: list[str] = field(default_factory=list)  # what went wrong, one sentence each
    unsent: list[str] = field(default_factory=list)  # those of the troubles that are messages Telegram did not take

    def note(self, alert: Alert, outcome: str, reason: str, *, replayed: bool = False, counted: bool = True) -> None:
        """Note what became of one alert."""
        if counted:
            self.counts[alert.severity.value, outcome] += 1
        self.items.append(
            AlertItem(
                id=alert.id,
                severity=alert.severity.value,
                outcome=outcome,
                at=alert.at,
                reason=cleaned(reason, self.clean),
                replayed=replayed,
            )
        )

    def holds(self, alert: Alert) -> bool:
        """Tell whether it is known what became of a run's own alert."""
        return any(item.id == alert.id and not item.replayed for item in self.items)

    def trouble(self, sentence: str) -> None:
        """Note what went wrong, and say it at once."""
        self.troubles.append(cleaned(sentence, self.clean))
        self.warn(self.troubles[-1])

    def refused(self, sentence: str, *, configured: bool) -> None:
        """Note a message that Telegram did not take; where there is no Telegram `alert_channel` has said so."""
        self.trouble(sentence)
        if configured:
            self.unsent.append(self.troubles[-1])
