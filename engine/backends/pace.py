"""How many rows a device should get next, by how fast each has been with the run."""

from __future__ import annotations

TURN = 4.0
SHORTEST_TURN = 0.25
_TURN_OF_ALL = 0.05  # of the time spent so far: that a run of a day is not kept in ten thousand files


class Pace:
    """What a run's devices did so far. Turns last a few seconds, and become shorter when the rows run out."""

    def __init__(self, devices: int) -> None:
        self._devices = devices
        self._done: dict[int, tuple[float, float]] = {}
        self._seconds = 0.0

    @property
    def turn(self) -> float:
        """Seconds that a turn should last while there are rows enough."""
        return max(TURN, _TURN_OF_ALL * self._seconds)

    def learn(self, device: int, rows: int, seconds: float) -> None:
        """Notes a turn; the ones before count less and less."""
        before = self._done.get(device, (0.0, 0.0))
        self._done[device] = (before[0] / 2 + rows, before[1] / 2 + seconds)
        self._seconds += seconds / self._devices

    def speed(self, device: int) -> float | None:
        """Rows a second of that device; None where it has done nothing of the run yet."""
        rows, seconds = self._done.get(device, (0.0, 0.0))
        return rows / max(seconds, 1e-6) if rows else None

    def rows(self, device: int, left: int) -> float:
        """How many of the `left` rows that nobody works at the device should take now.

        Half of its fair share, so that there is always something for the others when they come; not more than it does
        in a turn, and not so few that beginning takes longer than doing. One device alone takes all, and stops in time.
        """
        if self._devices == 1:
            return left
        own = self.speed(device)
        if own is None:
            return left / (2 * self._devices)
        known = [speed for number in range(self._devices) if (speed := self.speed(number)) is not None]
        everyone = sum(known) * self._devices / len(known)
        return max(min(left * own / everyone / 2, own * self.turn), own * SHORTEST_TURN)
