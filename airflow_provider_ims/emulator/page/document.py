"""The HTML document of the page. It contains its styles and its script, and loads no other files."""

from __future__ import annotations

import base64
import hashlib
from html import escape

from airflow_provider_ims.emulator.page.view import Cell, Table, View

STYLE = """
:root { color-scheme: light dark; --line: #d0d7de; --muted: #57606a; --good: #1a7f37; --bad: #cf222e; --busy: #0550ae }
@media (prefers-color-scheme: dark) {
  :root { --line: #3d444d; --muted: #9198a1; --good: #3fb950; --bad: #ff7b72; --busy: #79c0ff }
}
body { font: 14px/1.45 system-ui, sans-serif; margin: 1.5rem auto; max-width: 90rem; padding: 0 1rem }
h1 { font-size: 1.4rem; margin: 0 }
h2 { font-size: 1.05rem; margin: 1.5rem 0 .4rem }
dl { display: flex; flex-wrap: wrap; gap: .2rem 1.5rem; margin: .4rem 0 }
dl div { display: flex; gap: .4rem }
dt, th, .note { color: var(--muted); font-weight: normal }
dd { margin: 0; font-variant-numeric: tabular-nums }
table { border-collapse: collapse; width: 100% }
th, td { border-top: 1px solid var(--line); padding: .25rem .75rem .25rem 0; text-align: left; vertical-align: top }
.time { font-variant-numeric: tabular-nums }
.time, .succeeded, .failed, .running { white-space: nowrap }
.code { font: 12px/1.6 ui-monospace, monospace; overflow-wrap: anywhere }
.succeeded { color: var(--good) }
.failed, #offline { color: var(--bad) }
a, .running { color: var(--busy) }
"""
# The script replaces only the sections that have changed, so that the page does not flicker or scroll.
SCRIPT = """
async function update() {
  const offline = document.getElementById("offline");
  try {
    const response = document.hidden ? null : await fetch(location.href, {headers: {accept: "text/html"}});
    const text = response ? await response.text() : "";
    for (const section of new DOMParser().parseFromString(text, "text/html").querySelectorAll("section")) {
      const shown = document.getElementById(section.id);
      if (shown.innerHTML !== section.innerHTML) shown.replaceWith(section);
    }
    offline.hidden = true;
  } catch {
    offline.hidden = false;
  }
  setTimeout(update, 1000);
}
setTimeout(update, 1000);
"""
HEAD = f"""<meta charset="utf-8">
<meta name="viewport" content="width=device-width">
<noscript><meta http-equiv="refresh" content="2"></noscript>
<title>IMS emulator</title>
<link rel="icon" href="data:,">
<style>{STYLE}</style>"""


def _source(text: str) -> str:
    """Return the Content-Security-Policy expression that allows an inline script or style."""
    return f"'sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}'"


HEADERS = {
    "content-security-policy": "; ".join(
        (
            "default-src 'none'",
            "base-uri 'none'",
            "connect-src 'self'",
            "form-action 'none'",
            "frame-ancestors 'none'",
            "img-src data:",
            f"script-src {_source(SCRIPT)}",
            f"style-src {_source(STYLE)}",
        )
    ),
    "cache-control": "no-store",
    "referrer-policy": "no-referrer",
    "x-content-type-options": "nosniff",
}


def document(view: View) -> bytes:
    """Return the HTML of the page, encoded in UTF-8."""
    properties = "".join(
        f"<div><dt>{escape(name)}</dt><dd>{escape(text)}</dd></div>" for name, text in view.properties.items()
    )
    text = f"""<!DOCTYPE html>
<html lang="en">
<head>
{HEAD}
</head>
<body>
<h1>IMS emulator</h1>
<p id="offline" role="status" hidden>The emulator is not responding.</p>
<section id="properties"><dl>{properties}</dl></section>
{"".join(map(_section, view.tables))}<script>{SCRIPT}</script>
</body>
</html>
"""
    # A value can contain a lone surrogate, which UTF-8 cannot encode.
    return text.encode(errors="replace")


def _section(table: Table) -> str:
    heads = "".join(f'<th scope="col">{escape(head)}</th>' for head in table.heads)
    rows = "".join(f"<tr>{''.join(map(_cell, row))}</tr>\n" for row in table.rows)
    content = f"<table><thead><tr>{heads}</tr></thead>\n<tbody>{rows}</tbody></table>"
    if not rows:
        content = '<p class="note">none</p>'
    heading = f'<h2>{escape(table.name)} <small class="note">{escape(table.note)}</small></h2>'
    return f'<section id="{escape(table.name.lower())}">{heading}\n{content}</section>\n'


def _cell(cell: Cell) -> str:
    style = f' class="{escape(cell.style)}"' if cell.style else ""
    links = "".join(f'<a href="{escape(href)}">{escape(text)}</a> ' for text, href in cell.links)
    return f"<td{style}>{links}{escape(cell.text)}</td>"
