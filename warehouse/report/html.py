"""From figures and values to one self-contained HTML page: values escaped, one script, nothing fetched."""

import base64
import hashlib
import json
from collections.abc import Sequence
from functools import cache
from pathlib import Path
from typing import Any

import vl_convert
from jinja2 import Environment, FileSystemLoader, StrictUndefined

from warehouse.report import numbers
from warehouse.report.figure import VEGALITE_VERSION, ZERO, Figure

FOLDER = Path(__file__).parent


@cache
def script() -> str:
    """The page's script: our few lines bundled with Vega, Vega-Lite and Vega-Embed. Takes seconds, so made once."""
    bundle: str = vl_convert.javascript_bundle((FOLDER / "page.js").read_text(), vl_version=VEGALITE_VERSION)
    # the one sequence of characters that would end a script element early
    return bundle.replace("</script", r"<\/script")


def content_security_policy(code: str) -> str:
    """A policy that lets the page run its own script, known by its hash, and load nothing."""
    digest = base64.b64encode(hashlib.sha256(code.encode()).digest()).decode()
    return (
        f"default-src 'none'; script-src 'sha256-{digest}'; style-src 'unsafe-inline'; img-src data:; "
        "base-uri 'none'; form-action 'none'"
    )


def chart_ids(figure: Figure) -> list[str]:
    """The ids of the elements the charts of a figure are drawn into."""
    return [f"figure_{figure.key}_{i}" for i in range(len(figure.charts))]


def figure_data(name: str, figures: Sequence[Figure]) -> str:
    """The figures of a page as JSON that is safe inside a script element."""
    charts = {
        chart_id: spec for figure in figures for chart_id, spec in zip(chart_ids(figure), figure.specs(), strict=True)
    }
    data = ZERO | {key: columns for figure in figures for key, columns in figure.data.items()}
    text = json.dumps({"name": name, "data": data, "charts": charts}, separators=(",", ":"), ensure_ascii=False)
    return text.replace("<", r"\u003c").replace("\u2028", r"\u2028").replace("\u2029", r"\u2029")


def _environment() -> Environment:
    environment = Environment(
        loader=FileSystemLoader(FOLDER / "templates"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters |= {
        "count": numbers.count,
        "moment": numbers.moment,
        "percent": numbers.percent,
        "plain": numbers.plain,
    }
    environment.globals |= {"with_error": numbers.with_error, "span": numbers.span, "chart_ids": chart_ids}
    return environment


def render(template: str, name: str, figures: Sequence[Figure], **values: Any) -> str:  # noqa: ANN401 - template values
    """The text of a page.

    Parameters
    ----------
    template
        File name below ``templates/``.
    name
        The page's name without suffix; begins the names of downloaded figures.
    figures
        In the order in which they are shown.
    values
        What the template reads; every value is escaped.
    """
    code = script()
    return (
        _environment()
        .get_template(template)
        .render(
            figures=figures,
            figure_json=figure_data(name, figures),
            script=code,
            policy=content_security_policy(code),
            style=(FOLDER / "style.css").read_text(),
            **values,
        )
    )
