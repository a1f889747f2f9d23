"""ERA5 reanalysis files."""
