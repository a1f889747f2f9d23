from warehouse.fit.trend import learn_trends


def model(dbt, session):
    dbt.config(materialized="table")
    return learn_trends(dbt.ref("int_trend_row").to_arrow_table())
