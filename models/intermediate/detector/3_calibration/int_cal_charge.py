from warehouse.fit.charge import fit_charges


def model(dbt, session):
    dbt.config(
        materialized="incremental",
        incremental_strategy="replace_file",
        on_schema_change="append_new_columns",
        full_refresh=False,
    )
    this_run = dbt.ref("int_file_parameter")
    parameters = this_run.to_arrow_table()
    q_sum = dbt.ref("int_cal_histogram_second").join(this_run, "file_id", how="semi").to_arrow_table()
    # the reader comes last: another query on the connection ends it
    front_back = dbt.ref("int_cal_front_back").join(this_run, "file_id", how="semi").order("file_id")
    return fit_charges(front_back.to_arrow_reader(100_000), q_sum, parameters)
