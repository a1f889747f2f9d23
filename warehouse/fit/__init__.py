"""Fits of the detector calibration, on histograms: pure functions from Arrow to Arrow, called by Python models of dbt."""
