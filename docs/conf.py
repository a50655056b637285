"""The Sphinx configuration of the site, which `make docs` builds without a network."""

from __future__ import annotations

import os
import sys
import tempfile
from pathlib import Path

HERE = Path(__file__).parent
sys.path[:0] = [str(HERE), str(HERE.parent)]

# Airflow writes its configuration to AIRFLOW_HOME when it is imported.
_airflow_home = tempfile.TemporaryDirectory(prefix="airflow-provider-ims-docs-")
os.environ["AIRFLOW_HOME"] = _airflow_home.name
os.environ["ALIBABA_CLOUD_ECS_METADATA_DISABLED"] = "true"

import airflow_provider_ims  # noqa: E402

project = "airflow-provider-ims"
author = "the authors of airflow-provider-ims"
project_copyright = author
version = release = airflow_provider_ims.__version__

extensions = ["myst_parser", "sphinx.ext.autodoc", "ims_sphinx"]
source_suffix = {".md": "markdown"}
root_doc = "index"

myst_heading_anchors = 3
nitpicky = True

autodoc_member_order = "bysource"
autodoc_class_signature = "mixed"
python_use_unqualified_type_names = True
python_maximum_signature_line_length = 100

# The build has no network, so the inventories of these projects are not available.
nitpick_ignore_regex = [
    ("py:.*", r"(airflow|collections|datetime|os|pathlib|types|typing)\..*"),
    # Names in annotations that belong to Airflow's task SDK and Alibaba Cloud's product SDKs.
    ("py:.*", r"AirflowSensorTimeout|Context|PokeReturnValue|TriggerEvent|Client"),
]
# The lexer of console sessions fails on quoted strings with several lines. tests/docs runs each block and detects real
# errors.
suppress_warnings = ["misc.highlighting_failure"]

html_theme = "furo"
html_title = f"airflow-provider-ims {release}"
html_show_sphinx = False
html_copy_source = False
