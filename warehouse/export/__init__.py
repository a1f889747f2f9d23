"""CSV and Parquet files for analysts, made from the published file; what would not change is not touched."""
