"""Looking into the build file: calibration constants, files and single events, for people who debug detectors."""
