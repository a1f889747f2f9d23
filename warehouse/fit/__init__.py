"""Fits of the detector calibration on histograms: pure functions from Arrow to Arrow, called by dbt's Python models."""
