"""Learning curves while they grow, in DVCLive's files, which DVC's commands and editors draw."""

from collections.abc import Callable
from pathlib import Path


def live_log(folder: Path) -> Callable[[int, dict[str, float]], None]:
    """Return what writes an epoch's metrics under ``folder``; a resumed run goes on in the same files."""
    from dvclive.live import Live

    live = Live(str(folder), resume=True, save_dvc_exp=False, dvcyaml=None)

    def log(epoch: int, metrics: dict[str, float]) -> None:
        live.step = epoch
        for name, value in metrics.items():
            live.log_metric(name, value)
        live.make_summary()  # type: ignore[no-untyped-call]

    return log
