from warehouse.fit.time_window import fit_windows


def model(dbt, session):
    dbt.config(materialized="incremental", incremental_strategy="replace_file", full_refresh=False)
    return fit_windows(dbt.ref("int_time_scan_histogram").to_arrow_table())
