"""The Sphinx configuration of the site, which `make docs` builds without a network."""

from __future__ import annotations

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent.parent))

import airflow_provider_ims

project = "airflow-provider-ims"
author = "the authors of airflow-provider-ims"
project_copyright = author
version = release = airflow_provider_ims.__version__

extensions = ["myst_parser"]
source_suffix = {".md": "markdown"}
root_doc = "index"

myst_heading_anchors = 3
nitpicky = True
# The lexer of console sessions fails on quoted strings with several lines. tests/docs runs each block and detects real
# errors.
suppress_warnings = ["misc.highlighting_failure"]

html_theme = "furo"
html_logo = "integration-logos/alibabacloud-ims.svg"
html_title = f"airflow-provider-ims {release}"
html_show_sphinx = False
html_copy_source = False
html_use_index = False
