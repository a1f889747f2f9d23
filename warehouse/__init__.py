"""Everything between the extractors and the readers: settings, paths, lake, locks, dbt runs, publishing and export.

This package imports nothing else of the project.
"""
