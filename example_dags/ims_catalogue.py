"""Every night, generate marketing copy and a voice-over for each product of a catalogue.

Each step submits all of its jobs in one task. A retry submits only the failed jobs again.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any

from airflow.sdk import DAG, Param, task

from airflow_provider_ims.operators.ims import ImsSubmitJobsOperator

with DAG(
    dag_id="ims_catalogue",
    schedule="0 1 * * *",
    start_date=datetime(2026, 1, 1),
    catchup=False,
    tags=["ims"],
    doc_md=__doc__,
    default_args={"deferrable": True, "poll_interval": 5, "timeout": 4 * 60 * 60, "retries": 2},
    params={
        "bucket": Param("your-bucket", type="string", description="An OSS bucket in the connection's region."),
        "products": Param(25, type="integer", description="The number of products."),
    },
) as dag:

    @task
    def catalogue(params: dict[str, Any]) -> list[dict[str, str]]:
        """Read the products. Replace this with a query of your database."""
        return [
            {"sku": f"SKU-{number:05}", "keywords": f"lamp {number},oak"} for number in range(int(params["products"]))
        ]

    @task
    def copy_requests(products: list[dict[str, str]]) -> list[dict[str, Any]]:
        return [
            {"GenerateConfig": {"keywords": product["keywords"], "textLength": 100, "targetCount": 1}}
            for product in products
        ]

    @task
    def speech_requests(
        products: list[dict[str, str]], copy: dict[str, Any], params: dict[str, Any], ds: str | None = None
    ) -> list[dict[str, Any]]:
        return [
            {
                "InputConfig": result["texts"][0],
                "OutputConfig": {"bucket": params["bucket"], "object": f"voice-over/{ds}/{product['sku']}"},
            }
            for product, result in zip(products, copy["results"], strict=True)
            # The result of a failed job is None.
            if result is not None
        ]

    products = catalogue()
    copy = ImsSubmitJobsOperator(
        task_id="copy",
        job="SubmitTextGenerateJob",
        requests=copy_requests(products),
        parameters={"Type": "MarketingCopy"},
        max_failures=0.01,
    )
    ImsSubmitJobsOperator(
        task_id="voice_overs",
        job="SubmitAudioProduceJob",
        requests=speech_requests(products, copy.output),
        parameters={"EditingConfig": {"voice": "Siqi", "format": "MP3"}, "Overwrite": True},
        max_active_jobs=500,
    )
