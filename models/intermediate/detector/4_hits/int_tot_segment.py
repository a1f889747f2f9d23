from warehouse.fit.spline import fit_segments


def model(dbt, session):
    dbt.config(materialized="table")
    return fit_segments(dbt.ref("tot_to_fc").to_arrow_table())
