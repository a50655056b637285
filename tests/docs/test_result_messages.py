"""The error messages in docs/howto/results.md are those of Airflow and of the provider."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from datetime import datetime
from typing import Any

import pytest
from airflow.providers.common.compat.sdk import XComNotFound
from airflow.sdk import DAG, task_group
from support.pages import ROOT

from airflow_provider_ims.operators.ims import ImsSubmitAudioProduceJobOperator, ImsSubmitTextGenerateJobOperator

PAGE = (ROOT / "docs/howto/results.md").read_text(encoding="utf-8")
MESSAGES = re.findall(r"^\| `([^|]+)` \|", PAGE.partition("## Error messages")[2], re.MULTILINE)


@pytest.fixture
def dag() -> Iterator[DAG]:
    with DAG("messages", schedule=None, start_date=datetime(2026, 1, 1)) as dag:
        yield dag


def copy() -> Any:
    return ImsSubmitTextGenerateJobOperator(task_id="copy", generate_config={}).output


def voice_over(text: Any) -> None:
    task = ImsSubmitAudioProduceJobOperator(
        task_id="voice_over",
        input_config=text,
        editing_config={"voice": "Siqi"},
        output_config={"bucket": "b", "object": "o"},
    )
    task.kind.encode(task.arguments())


def mapped_group() -> None:
    @task_group
    def product(product: Any) -> None:
        ImsSubmitTextGenerateJobOperator(task_id="copy", generate_config={"keywords": product["keywords"]})

    product.expand(product=[{"keywords": "cake"}])


def expand_over_a_key() -> None:
    ImsSubmitAudioProduceJobOperator.partial(task_id="voice_over").expand(input_config=copy()["texts"])


def missing_key() -> None:
    raise XComNotFound("dag", "copy", "texts")


def render(dag: DAG, value: Any) -> None:
    dag.get_template_env().from_string("{{ value['texts'] }}").render(value=value)


MISTAKES: dict[str, Callable[[DAG], Any]] = {
    "is not found!": lambda dag: missing_key(),
    "only supports str lookup": lambda dag: copy()["texts"][0],
    "cannot map over XCom": lambda dag: expand_over_a_key(),
    "not tuple": lambda dag: voice_over(("job_id", "123")),
    "not dict": lambda dag: voice_over({"texts": []}),
    "is 'None', which": lambda dag: voice_over("None"),
    "'MappedArgument' object": lambda dag: mapped_group(),
    "'list object'": lambda dag: render(dag, []),
    "'None' has": lambda dag: render(dag, None),
}


def test_every_message_of_the_page_is_tested() -> None:
    assert len(MESSAGES) == len(MISTAKES)


@pytest.mark.parametrize("part", MISTAKES)
def test_a_mistake_raises_the_message_of_the_page(part: str, dag: DAG) -> None:
    (message,) = [one for one in MESSAGES if part in one]
    with pytest.raises(Exception, match=re.escape(message).replace(r"\.\.\.", ".*")):
        MISTAKES[part](dag)
