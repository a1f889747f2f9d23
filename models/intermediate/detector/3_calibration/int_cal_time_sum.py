from warehouse.fit.link import fit_links


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
    links = dbt.ref("int_cal_link").join(this_run, "file_id", how="semi").order("file_id")
    return fit_links(links.to_arrow_reader(100_000), parameters)
