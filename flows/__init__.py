"""Prefect flows, the command line and nothing else: thin, they call `extract` and `warehouse`."""
