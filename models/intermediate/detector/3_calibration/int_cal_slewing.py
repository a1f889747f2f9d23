from warehouse.fit.slewing import fit_slewings


def model(dbt, session):
    dbt.config(
        materialized="incremental",
        incremental_strategy="replace_file",
        on_schema_change="append_new_columns",
        full_refresh=False,
    )
    this_run = dbt.ref("int_file_parameter")
    parameters = this_run.to_arrow_table()
    sums = dbt.ref("int_cal_slewing_sum").join(this_run, "file_id", how="semi").to_arrow_table()
    return fit_slewings(sums, parameters)
