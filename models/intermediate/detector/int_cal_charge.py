from warehouse.fit.charge import fit_charges


def model(dbt, session):
    dbt.config(materialized="incremental", incremental_strategy="replace_file", full_refresh=False)
    parameters = dbt.ref("int_file_parameter").to_arrow_table()
    q_sum = dbt.ref("int_cal_histogram_second").to_arrow_table()
    return fit_charges(dbt.ref("int_cal_front_back").order("file_id").to_arrow_reader(100_000), q_sum, parameters)
