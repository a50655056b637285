"""Generate copy and a voice-over for each product in a list, with mapped tasks.

The list can come from any task, such as a task that queries a database. Each product has its own jobs.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any

from airflow.sdk import DAG, task

from airflow_provider_ims.operators.ims import ImsSubmitAudioProduceJobOperator, ImsSubmitTextGenerateJobOperator

with DAG(
    dag_id="ims_product_videos",
    schedule="@daily",
    start_date=datetime(2026, 1, 1),
    catchup=False,
    tags=["ims"],
    doc_md=__doc__,
    default_args={"deferrable": True, "poll_interval": 5, "retries": 2},
) as dag:

    @task
    def products() -> list[dict[str, Any]]:
        """Return the products of the day."""
        return [
            {"sku": "cake", "keywords": "New store cake,Animal cream"},
            {"sku": "bread", "keywords": "Fresh bread,Sourdough"},
            {"sku": "muffin", "keywords": "Muffin,Blueberry"},
        ]

    def copy_of(product: dict[str, Any]) -> dict[str, Any]:
        """Return the copy task's arguments for a product."""
        return {
            "title": f"Copy for {product['sku']}",
            "generate_config": {"keywords": product["keywords"], "textLength": 50, "targetCount": 1},
        }

    def voice_over_of(copy: dict[str, Any]) -> dict[str, Any]:
        """Return the voice-over task's arguments for the result of a copy task."""
        return {
            "input_config": copy["texts"][0],
            "output_config": {"bucket": "your-bucket", "object": f"voice-over/{copy['job_id']}"},
        }

    copies = ImsSubmitTextGenerateJobOperator.partial(task_id="copy", type="MarketingCopy").expand_kwargs(
        products().map(copy_of)
    )
    ImsSubmitAudioProduceJobOperator.partial(
        task_id="voice_over", editing_config={"voice": "Siqi", "format": "MP3"}, overwrite=True
    ).expand_kwargs(copies.output.map(voice_over_of))
