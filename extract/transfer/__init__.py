"""Bringing source files into landing."""
