"""One run: submits the jobs, observes them, and checks the facts."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, NoReturn

from airflow_provider_ims.emulator import ImsEmulator
from conformance.facts import FACTS
from conformance.facts.fact import Evidence, NotTestedError, Outcome, Result, check
from conformance.jobs import JOBS, Inputs, JobPlan, JobRun
from conformance.observation import Limits, Observation
from conformance.service import Service, emulated

NOT_CHECKED = Result(Outcome.NOT_TESTED, "the run was interrupted")
#: The inputs of a run against an emulator, which accepts any id.
EMULATED = {
    "bucket": "example-bucket",
    "media_id": "example-media",
    "video_id": "example-video",
    "template_id": "example-template",
}
#: The limits of a run against an emulator, in seconds of its job clock. The run advances this clock.
EMULATED_LIMITS = Limits(interval=0.5, job=20.0, listing=5.0)


class InterruptedService:
    """Replaces the service after an interruption, so that facts that require further requests are not tested."""

    def __getattr__(self, name: str) -> NoReturn:
        raise NotTestedError(NOT_CHECKED.text)


@dataclass
class Run:
    """
    A run and its results.

    :param service: The service under test.
    :param plans: The jobs to submit.
    :param run_id: The part of the markers that distinguishes them from the markers of other runs.
    :param report: A function that prints a line about the progress.
    :param results: Name of the fact -> result.
    :param interrupted: Whether the run was interrupted, for example with Ctrl-C.
    """

    service: Service
    inputs: Inputs
    plans: Sequence[JobPlan]
    run_id: str
    limits: Limits
    report: Callable[[str], object]
    results: dict[str, Result] = field(
        default_factory=lambda: dict.fromkeys((fact.name for fact in FACTS), NOT_CHECKED)
    )
    interrupted: bool = False
    jobs: dict[str, JobRun] = field(default_factory=dict)

    def execute(self) -> None:
        """
        Submit and observe the jobs, and check the facts.

        After an interruption, only the facts that require no further requests are checked.
        """
        observation = Observation(
            self.service, self.inputs, self.plans, run_id=self.run_id, limits=self.limits, report=self.report
        )
        self.jobs = observation.jobs
        try:
            observation.submit()
            observation.observe()
        except KeyboardInterrupt:
            self.interrupted = True
        self._check()

    def _check(self) -> None:
        evidence = Evidence(self.service, self.inputs, self.jobs)
        for fact in FACTS:
            if self.interrupted:
                closed: Any = InterruptedService()
                evidence = replace(evidence, service=closed)
            try:
                self.results[fact.name] = check(fact, evidence)
            except KeyboardInterrupt:
                self.interrupted = True

    def named(self, outcome: Outcome) -> list[str]:
        """Return the names of the facts with this outcome."""
        return [name for name, result in self.results.items() if result.outcome is outcome]


def run_emulated(
    emulator: ImsEmulator, region_id: str, *, ca: str = "", report: Callable[[str], object] = lambda _: None
) -> Run:
    """
    Run against an emulator with a manual clock.

    :param ca: The trusted certificates, for an emulator with HTTPS.
    """
    service = emulated(emulator, region_id, ca=ca)
    inputs = Inputs(region_id=region_id, **EMULATED)
    # A real account has earlier jobs, which the facts about the order and the pages of a listing require.
    for plan in JOBS:
        if not plan.missing(inputs):
            service.send(plan.product, plan.action, plan.parameters(inputs, f"history-{plan.name}"))
    service.sleep(EMULATED_LIMITS.job)
    run = Run(service, inputs, JOBS, "emulator", EMULATED_LIMITS, report)
    run.execute()
    return run
