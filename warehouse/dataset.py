"""One declaration per lake dataset: the Arrow schema, the writer's check and the dbt source docs all come from it."""

from collections.abc import Iterable
from dataclasses import dataclass
from json import dumps

import pyarrow as pa

DUCKDB_TYPES = {
    pa.bool_(): "boolean",
    pa.int8(): "tinyint",
    pa.int16(): "smallint",
    pa.int32(): "integer",
    pa.int64(): "bigint",
    pa.float32(): "float",
    pa.float64(): "double",
    pa.string(): "varchar",
    pa.date32(): "date",
    pa.timestamp("us"): "timestamp",
    pa.list_(pa.int32()): "integer[]",
}


class SchemaError(Exception):
    """A table does not fit the declaration of its dataset: a program error, never a fault of the data."""


@dataclass(frozen=True)
class Column:
    """A column of a lake dataset. ``description`` says meaning and unit; ``is_nullable`` whether NULL may occur."""

    name: str
    type: pa.DataType
    description: str
    is_nullable: bool = True


@dataclass(frozen=True)
class Dataset:
    """A lake dataset.

    ``key`` names the columns that identify a row (within the current version of a file). ``partition`` names the hive
    folders below the dataset, ``("station", "date")`` or ``("date",)``; they are not columns of the files.
    """

    name: str
    description: str
    key: tuple[str, ...]
    columns: tuple[Column, ...]
    partition: tuple[str, ...] = ("station", "date")

    @property
    def schema(self) -> pa.Schema:
        """The Arrow schema of every file of the dataset."""
        return pa.schema([pa.field(c.name, c.type, nullable=c.is_nullable) for c in self.columns])

    def check(self, table: pa.Table) -> None:
        """Raise `SchemaError` unless ``table`` has exactly the declared columns, types and NULL rules."""
        expected = {column.name: column for column in self.columns}
        actual = dict(zip(table.schema.names, table.schema.types, strict=True))
        if list(actual) != list(expected):
            missing = [name for name in expected if name not in actual]
            unexpected = [name for name in actual if name not in expected]
            raise SchemaError(f"{self.name}: missing columns {missing}, unexpected {unexpected}, or another order")
        for name, column in expected.items():
            if actual[name] != column.type:
                raise SchemaError(f"{self.name}.{name}: type {actual[name]}, declared {column.type}")
            if not column.is_nullable and table.column(name).null_count:
                raise SchemaError(f"{self.name}.{name}: NULL in a column declared without")

    def empty(self) -> pa.Table:
        """A table of the dataset without rows."""
        return self.schema.empty_table()


def to_dbt_sources(datasets: Iterable[Dataset]) -> str:
    """The dbt source file of the lake, as YAML text made from the declarations.

    JSON strings are valid YAML, so quoting needs no YAML library and the text is stable.
    """
    lines = [
        "# Made from the dataset declarations in extract/ by `mingo docs --sources`; a test compares the two.",
        "version: 2",
        "sources:",
        "  - name: lake",
        '    description: "Parquet datasets written by the extractors, one file a source file."',
        "    tables:",
    ]
    for dataset in sorted(datasets, key=lambda d: d.name):
        lines += [
            f"      - name: {dataset.name}",
            f"        description: {dumps(dataset.description + ' Key: ' + ', '.join(dataset.key) + '.')}",
            "        columns:",
        ]
        for column in dataset.columns:
            kind, text = DUCKDB_TYPES[column.type], dumps(column.description, ensure_ascii=False)
            lines.append(f"          - {{name: {column.name}, data_type: {dumps(kind)}, description: {text}}}")
    return "\n".join(lines) + "\n"
