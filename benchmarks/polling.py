"""
Measures the cost of waiting for 100, 1,000 and 10,000 jobs with the provider's triggers and with simpler methods.

The emulator runs in a separate process and serves HTTPS. Each run waits in a new process.
"""

from __future__ import annotations

import argparse
import json
import random
import shutil
import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import Any, Self
from urllib.parse import quote

from airflow_provider_ims.emulator import EmulatorControl
from benchmarks.certificate import make_certificate
from benchmarks.families import FAMILIES
from benchmarks.figures import Figures, Run, figures_of
from benchmarks.methods import FROZEN, LOOP, ONE_TRIGGER
from local_airflow import EmulatorService
from local_airflow.server import service_environment

CHECKOUT = Path(__file__).parents[1]
#: Seconds until the first jobs end. All waits should start before then.
LEAD = 5.0
#: Seconds after the end of the last job within which its event must arrive.
GRACE = 60.0
#: The number of jobs in the runs with blocking loops, each of which needs a process.
LOOPS = 4
#: Seconds for which a message from a process may be late.
RESPONSE_TIMEOUT = 300.0


def run_of(family: str, method: str, jobs: int, *, interval: float, window: float, seconds: float | None = None) -> Run:
    """Return the parameters of a run with the time limit ``seconds``, by default a minute after the last job ends."""
    return Run(
        family=family,
        method=method,
        jobs=jobs,
        interval=interval,
        window=window,
        seconds=LEAD + window + GRACE if seconds is None else seconds,
    )


def stall_profile(*, quick: bool) -> Iterator[Run]:
    """Yield the runs whose targets include stalls by the garbage collector. Most of these occur as jobs are added."""
    for method in (FROZEN, ONE_TRIGGER):
        yield run_of("smart", method, 1_000 if quick else 10_000, interval=10, window=15 if quick else 150)


def full_profile() -> Iterator[Run]:
    """Yield the runs of the full benchmark, which takes about half an hour."""
    yield run_of("smart", "ours", 10_000, interval=10, window=600)
    yield run_of("image", "ours", 10_000, interval=10, window=60)
    # The provider confirms the end of each job with a request, and sends at most 100 requests per second.
    yield run_of("batch", "ours", 10_000, interval=10, window=150)
    for family in FAMILIES:
        # For smart jobs, the number of poll intervals is that of five minutes with the default interval of 10 s.
        interval, window = (4, 120) if family == "smart" else (5, 25)
        for method in ("ours", "thread"):
            yield run_of(family, method, 1_000, interval=interval, window=window)
        yield run_of(family, "async", 1_000, interval=interval, window=window, seconds=20)
        for method in ("ours", "thread", "async"):
            yield run_of(family, method, 100, interval=5, window=5)
        for method in ("thread", "async"):
            yield run_of(family, method, 10_000, interval=10, window=60, seconds=10)
        yield run_of(family, LOOP, LOOPS, interval=0.5, window=5)


def quick_profile() -> Iterator[Run]:
    """Yield short runs that test the benchmark."""
    for family in FAMILIES:
        yield run_of(family, "ours", 100, interval=2, window=6)
    for method in ("thread", "async"):
        yield run_of("smart", method, 100, interval=2, window=6)
    yield run_of("smart", LOOP, LOOPS, interval=0.5, window=3)
    for method in ("ours", "thread"):
        yield run_of("smart", method, 1_000, interval=5, window=15)
    yield run_of("smart", "async", 1_000, interval=5, window=15, seconds=10)


class HttpsEmulator(EmulatorService):
    """
    The emulator with a certificate and without a request log.

    :param home: Folder for all its files.
    """

    def __init__(self, home: Path) -> None:
        home.mkdir(parents=True)
        certificate, key, self._bundle = make_certificate(home)
        super().__init__(home, "--quiet", "--tls-cert", str(certificate), "--tls-key", str(key))
        self.url = self.url.replace("http://", "https://")
        # Listing 10,000 jobs with their results takes a long time.
        self.control = EmulatorControl(self.url, cafile=str(certificate), timeout=120)

    @property
    def airflow_env(self) -> dict[str, str]:
        """The environment variables for the connection, including the CA bundle."""
        return {name: f"{uri}&ca={quote(str(self._bundle))}" for name, uri in super().airflow_env.items()}


class Waiter:
    """A process that waits for jobs."""

    def __init__(self, env: dict[str, str], log: Path) -> None:
        self._log = log
        with log.open("ab") as output:
            self._process = subprocess.Popen(
                [sys.executable, "-m", "benchmarks.waiting"],
                cwd=CHECKOUT,
                env=env,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=output,
                text=True,
            )

    def __enter__(self) -> Self:
        """Return the running process."""
        return self

    def __exit__(self, *_: object) -> None:
        """Kill the process."""
        self._process.kill()
        self._process.communicate()

    def send(self, message: dict[str, Any]) -> None:
        """Send a message to the process."""
        assert self._process.stdin is not None
        self._process.stdin.write(json.dumps(message) + "\n")
        self._process.stdin.flush()

    def receive(self, seconds: float) -> Any:
        """Return the next message from the process; kill the process if none arrives in time."""
        assert self._process.stdout is not None
        timer = threading.Timer(seconds, self._process.kill)
        timer.start()
        try:
            message = self._process.stdout.readline()
        finally:
            timer.cancel()
        if not message:
            raise RuntimeError(f"the waiting process exited without a message; see the end of {self._log}")
        return json.loads(message)


def empty_folder(home: Path) -> Path:
    """Empty a folder and return it."""
    shutil.rmtree(home, ignore_errors=True)
    home.mkdir(parents=True)
    return home


def measure(run: Run, emulator: HttpsEmulator, home: Path) -> Figures:
    """Execute one run and return its figures."""
    control, family = emulator.control, FAMILIES[run.family]
    env = service_environment(home) | {"AIRFLOW_HOME": str(home)} | emulator.airflow_env
    env["AIRFLOW__IMS__FREEZE_GARBAGE_COLLECTOR"] = str(run.method == FROZEN)
    with ExitStack() as stack:
        count = run.jobs if run.method == LOOP else 1
        waiters = [stack.enter_context(Waiter(env, home / "waiting.log")) for _ in range(count)]
        control.reset()
        (warm_up,) = control.add_jobs(family.kind, family.parameters, [0])
        for waiter in waiters:
            waiter.send({"method": run.method, "family": run.family, "warm_up": warm_up})
        for waiter in waiters:
            waiter.receive(RESPONSE_TIMEOUT)
        control.reset()
        ends = [LEAD + run.window * (number + 1) / run.jobs for number in range(run.jobs)]
        # Real jobs do not end in the order in which they were submitted.
        random.Random(run.jobs).shuffle(ends)
        created = time.time()
        job_ids = control.add_jobs(family.kind, family.parameters, ends)
        for number, waiter in enumerate(waiters):
            waiter.send(
                {
                    "job_ids": job_ids[number::count],
                    "created": created,
                    "interval": run.interval,
                    "seconds": run.seconds,
                }
            )
        processes = [waiter.receive(run.seconds + RESPONSE_TIMEOUT) for waiter in waiters]
    return figures_of(run, processes, control.requests(), control.jobs(family.kind))


def measure_all(runs: Sequence[Run], home: Path) -> list[Figures]:
    """Execute runs one after the other, print the figures of each run, and return them."""
    found = []
    emulator = HttpsEmulator(empty_folder(home) / "emulator")
    with emulator:
        for number, run in enumerate(runs, 1):
            print(
                f"[{number}/{len(runs)}] {run.family} {run.method}: {run.jobs:,} jobs that end over {run.window:g} s, "
                f"polled every {run.interval:g} s ...",
                flush=True,
            )
            figures = measure(run, emulator, home)
            found.append(figures)
            (home / "figures.json").write_text(json.dumps([one.as_dict() for one in found], indent=1))
            print(f"    {line(figures)}", flush=True)
    return found


def line(figures: Figures) -> str:
    """Return the figures of a run in one line."""

    def number(value: float | None, spec: str) -> str:
        return "-" if value is None else format(value, spec)

    return (
        f"{figures.seen:,} events for {figures.ended:,} ended jobs in {figures.elapsed:.0f} s; "
        f"{number(figures.requests_per_job, '.2f')} requests/job, {figures.extra_request_rate:.1f} extra requests/s "
        f"(busiest {figures.busiest:.1f}/s), {figures.cpu_per_1000_polls:.3f} CPU s/1,000 polls, "
        f"{figures.cores:.2f} cores, {stalls(figures)}, "
        f"delay {number(figures.delay_median, '.1f')} / {number(figures.delay_p99, '.1f')} s, "
        f"{figures.memory_per_job / 1024:.1f} KiB/job" + (f", {figures.errors} errors" if figures.errors else "")
    )


def stalls(figures: Figures) -> str:
    """Return a text with the three longest stalls and their times."""
    worst = sorted(figures.stalls, reverse=True)[:3]
    if figures.stall_without_gc is None:
        return "no event loop"
    return (
        "stalls " + ", ".join(f"{late * 1000:.0f} ms at {at:.1f} s" for late, at in worst) + f" (at most "
        f"{figures.stall_without_gc * 1000:.0f} ms without garbage collection)"
    )


def main() -> int:
    """Run the selected runs."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="short runs that test the benchmark")
    parser.add_argument("--family", choices=list(FAMILIES), help="only runs with this job family")
    methods = ["ours", FROZEN, ONE_TRIGGER, "async", "thread", LOOP]
    parser.add_argument("--method", choices=methods, help="only runs with this method")
    parser.add_argument("--jobs", type=int, help="only runs with this number of jobs")
    parser.add_argument("--interval", type=float, help="for a custom run (--window): seconds between two polls")
    parser.add_argument("--window", type=float, help="define a custom run: seconds over which the jobs end")
    parser.add_argument("--seconds", type=float, help="for a custom run (--window): time limit in seconds")
    options = parser.parse_args()
    if options.window is not None:
        runs = [
            run_of(
                options.family or "smart",
                options.method or "ours",
                options.jobs or 100,
                interval=options.interval or 10,
                window=options.window,
                seconds=options.seconds,
            )
        ]
    else:
        wanted = {name: getattr(options, name) for name in ("family", "method", "jobs") if getattr(options, name)}
        runs = [
            run
            for run in (
                *(quick_profile() if options.quick else full_profile()),
                *stall_profile(quick=options.quick),
            )
            if all(getattr(run, name) == value for name, value in wanted.items())
        ]
    measure_all(runs, CHECKOUT / ".bench" / "polling")
    return 0


if __name__ == "__main__":
    sys.exit(main())
