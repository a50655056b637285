"""The facts about the services, in the order of the report."""

from __future__ import annotations

from conformance.facts import errors, jobs, listings, results
from conformance.facts.fact import Fact

FACTS: tuple[Fact, ...] = (*errors.FACTS, *jobs.FACTS, *results.FACTS, *listings.FACTS)
