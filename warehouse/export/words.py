"""What is written about the exports: terms of the sources, column dictionary, README."""

import csv
import io

import duckdb

from warehouse.export.form import unit

README = """# Exports of the miniTRASGO network

Made from the published database. Times are UTC starts of intervals. CSV: an empty field is a missing value, numbers are
rounded by their unit. Parquet: full numbers.

* `manifest.json`: every file with its SHA-256, rows and time span, and the files that are gone (`removed`).
* `columns.csv`: every column with its unit and description.
* `MINGO0N/`: a station's whole history by hours; `network/`: all stations; `parquet/`: by station and month.

## Terms

What follows must be kept in anything published from these files.

"""


def terms(connection: duckdb.DuckDBPyConnection) -> dict[str, str]:
    """Licence, acknowledgement and references of every source, by source."""
    rows = connection.execute(
        "select source, title, provider_url, acknowledgement, citations, licence, header_text"
        " from dim_source_terms order by source"
    ).fetchall()
    labels = ("", "", "", "References: ", "Licence: ", "Text of the provider:\n\n")
    return {
        source: "\n\n".join(label + part for label, part in zip(labels, parts, strict=True) if part)
        for source, *parts in rows
    }


def readme(terms_by_source: dict[str, str]) -> bytes:
    """The text beside the files."""
    return (README + "\n\n".join(f"### {source}\n\n{text}" for source, text in terms_by_source.items()) + "\n").encode()


def column_dictionary(connection: duckdb.DuckDBPyConnection, tables: list[str]) -> bytes:
    """Every column of the exported tables: type, unit, description."""
    rows = connection.execute(
        "select table_name, column_name, lower(data_type), coalesce(comment, '') from duckdb_columns()"
        " where list_contains(?, table_name) order by table_name, column_index",
        [tables],
    ).fetchall()
    stream = io.StringIO()
    writer = csv.writer(stream, lineterminator="\n")
    writer.writerow(["table_name", "column_name", "data_type", "unit", "description"])
    writer.writerows([table, name, kind, unit(name, text), text] for table, name, kind, text in rows)
    return stream.getvalue().encode()
