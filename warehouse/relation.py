"""What is published: the models and seeds with the tag, as dbt's manifest describes them."""

from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from graphlib import TopologicalSorter
from typing import Any

TAG = "publish"
COUNTS_TAG = "publish_counts"
"""Tag of what only `export.large_table_full` needs: by far the largest table."""

# Tables are stored in the order in which they are read: by these columns, as far as a table has them.
ORDER_COLUMNS = (
    "station_id",
    "nm_code",
    "series_code",
    "month_start",
    "bin_width_s",
    "group_code",
    "bin_start",
    "minute_start",
    "time",
    "Time",
    "file_id",
    "plane",
)


@dataclass(frozen=True)
class Relation:
    """A relation to publish.

    Attributes
    ----------
    columns
        Description of each column, with its unit.
    columns_like
        Descriptions by a pattern of the column's name: for columns that depend on the data.
    may_be_view
        All it reads is published as well.
    is_optional
        It is published where a setting asks for it.
    """

    name: str
    description: str
    columns: dict[str, str]
    columns_like: dict[str, str] = field(default_factory=dict)
    may_be_view: bool = False
    is_optional: bool = False

    def comment(self, column: str) -> str:
        """What a column is: its own text, else that of the first pattern it fits; empty when neither is there."""
        likes = (text for pattern, text in self.columns_like.items() if fnmatchcase(column, pattern))
        return self.columns.get(column) or next(likes, "")


def published_relations(manifest: dict[str, Any], *, has_counts: bool = False) -> list[Relation]:
    """The models and seeds tagged for publication, each after those it reads.

    A model whose meta names another under `columns_of` shows that one's columns: they are described there.
    """
    wanted = {TAG, COUNTS_TAG} if has_counts else {TAG}
    nodes = {node["name"]: node for node in manifest["nodes"].values() if wanted & set(node.get("tags", []))}
    parents = {name: _parents(node) for name, node in nodes.items()}
    order = TopologicalSorter({name: sorted(parents[name] & set(nodes)) for name in sorted(nodes)}).static_order()
    return [_relation(nodes, name, may_be_view=parents[name] <= set(nodes)) for name in order]


def _parents(node: dict[str, Any]) -> set[str]:
    return {parent.split(".")[2] for parent in node.get("depends_on", {}).get("nodes", [])}


def _relation(nodes: dict[str, dict[str, Any]], name: str, *, may_be_view: bool) -> Relation:
    node = nodes[name]
    meta = node.get("config", {}).get("meta", {})
    described = [nodes[meta["columns_of"]], node] if "columns_of" in meta else [node]
    return Relation(
        name=name,
        description=" ".join(node["description"].split()),
        columns={
            column: " ".join(facts["description"].split())
            for one in described
            for column, facts in one["columns"].items()
        },
        columns_like=meta.get("columns_like", {}),
        may_be_view=may_be_view,
        is_optional=COUNTS_TAG in node["tags"],
    )
