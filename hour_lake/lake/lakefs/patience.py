"""How long and how often something is tried again: longer and longer pauses with full jitter, bounded in all."""

import random
import time

FIRST_SECONDS = 0.1
LONGEST_SECONDS = 8.0


class Patience:
    """One budget of seconds for the tries of one thing."""

    def __init__(self, seconds: float) -> None:
        self._until = time.monotonic() + seconds
        self._tries = 0

    def wait(self, at_least_seconds: float = 0.0) -> bool:
        """Pause before another try; False, at once, when the budget does not allow for one."""
        longest = min(LONGEST_SECONDS, FIRST_SECONDS * 2**self._tries)
        pause = at_least_seconds + random.uniform(0, longest)
        if time.monotonic() + pause > self._until:
            return False
        time.sleep(pause)
        self._tries += 1
        return True
