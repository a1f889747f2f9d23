from warehouse.fit.joint import fit_ranges


def model(dbt, session):
    dbt.config(materialized="table")
    return fit_ranges(dbt.ref("int_temperature_day").to_arrow_table())
