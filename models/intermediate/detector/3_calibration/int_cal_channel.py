from warehouse.fit.channel import fit_channels


def model(dbt, session):
    dbt.config(
        materialized="incremental",
        incremental_strategy="replace_file",
        on_schema_change="append_new_columns",
        full_refresh=False,
    )
    this_run = dbt.ref("int_file_parameter")
    parameters = this_run.to_arrow_table()
    # the reader comes last: another query on the connection ends it
    histograms = dbt.ref("int_cal_histogram_first").join(this_run, "file_id", how="semi").order("file_id")
    return fit_channels(histograms.to_arrow_reader(100_000), parameters)
