"""Detector files: names, containers, the ASCII parser, the logbook."""
