from warehouse.fit.channel import fit_channels


def model(dbt, session):
    dbt.config(materialized="incremental", incremental_strategy="replace_file", full_refresh=False)
    parameters = dbt.ref("int_file_parameter").to_arrow_table()
    return fit_channels(dbt.ref("int_cal_histogram_first").order("file_id").to_arrow_reader(100_000), parameters)
