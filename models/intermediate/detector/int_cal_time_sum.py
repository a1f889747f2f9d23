from warehouse.fit.link import fit_links


def model(dbt, session):
    dbt.config(materialized="incremental", incremental_strategy="replace_file", full_refresh=False)
    parameters = dbt.ref("int_file_parameter").to_arrow_table()
    return fit_links(dbt.ref("int_cal_link").order("file_id").to_arrow_reader(100_000), parameters)
