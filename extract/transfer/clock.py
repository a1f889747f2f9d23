"""Time as the fetchers see it, so that tests need not wait."""

import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from extract.transfer.sidecar import now_utc


@dataclass(frozen=True)
class Clock:
    """The present time (naive UTC), seconds that never go back, and waiting."""

    now: Callable[[], datetime] = now_utc
    monotonic: Callable[[], float] = time.monotonic
    sleep: Callable[[float], None] = time.sleep
