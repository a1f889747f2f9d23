"""The process that starts what is due; it stops on SIGTERM as it does on Ctrl-C."""

import signal

from prefect.runner import Runner


class StoppableRunner(Runner):
    """Prefect's runner with one way to end.

    Prefect's own handler of SIGTERM (3.8.8) waits, inside the signal handler, for the event loop it interrupted, so the
    process would never end. Ctrl-C is handled by asyncio, which cancels the runner in order.
    """

    def handle_sigterm(self, *args: object, **kwargs: object) -> None:
        """Do what Ctrl-C does."""
        signal.raise_signal(signal.SIGINT)
