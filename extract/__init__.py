"""From sources to the lake: one subpackage a source. Imports `warehouse` and nothing else of the project."""
