"""Contestants take turns, a round after the other, so that a machine that slows down does so for all."""

import statistics
from dataclasses import dataclass, field
from typing import Callable

from comparison.processes import PeerFailed


def spread(values):
    return {"median": statistics.median(values), "min": min(values), "max": max(values)}


@dataclass
class Contestant:
    """One row of a table. `run` makes one round and returns its seconds, and may add to `notes`; it may raise PeerFailed,
    which is a result. A row without it, as that of a limit, is filled by another's run."""

    name: str
    run: Callable[[], float] | None = None
    status: str = "measured"
    reason: str = ""
    seconds: list = field(default_factory=list)
    notes: dict = field(default_factory=dict)

    def fail(self, reason, status="failed"):
        self.status, self.reason = status, str(reason)

    def row(self, ours):
        """As it is recorded; `times_ours`: how many times ours its seconds are, round by round."""
        row = {"name": self.name, "status": self.status, "reason": self.reason, **self.notes, "rounds": self.seconds}
        if self.status != "measured" or not self.seconds:
            return row | {"seconds": None, "times_ours": None}
        both = list(zip(self.seconds, ours.seconds)) if ours.status == "measured" else []
        return row | {"seconds": spread(self.seconds), "times_ours": spread([a / b for a, b in both]) if both else None}


def take_turns(contestants, rounds, say=lambda text: None):
    """Each in each round; who begins changes from round to round. Who fails, does not go on."""
    for number in range(rounds):
        first = number % max(len(contestants), 1)
        for one in contestants[first:] + contestants[:first]:
            if one.status != "measured" or one.run is None:
                continue
            try:
                one.seconds.append(one.run())
            except PeerFailed as error:
                one.fail(error)
            say(f"  round {number + 1}/{rounds}  {one.name}: {one.reason or f'{one.seconds[-1]:.4g} s'}")
