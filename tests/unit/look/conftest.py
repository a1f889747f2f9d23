"""A small build file: one station with five files whose constants are known, and one file of another configuration."""

from pathlib import Path

import duckdb
import pytest

from warehouse.settings import Settings

FILE_SHIFTS_NS = {1: 0.000, 2: 0.001, 3: 0.002, 4: 0.003, 5: 0.004}
"""What each file's constants differ by from the station's; file 9 has another configuration."""

BUILD = """
create table dim_file as
select
    (125060000000 + n * 10000)::bigint as file_id, 'mi01250600' || n || '0000' as base_name, 1::tinyint as station_id,
    timestamp '2025-03-01 00:00:00' + n * interval 12 hours as start_time, if(n = 9, 2, 1)::double as conf_number,
    5000 as n_events
from unnest([1, 2, 3, 4, 5, 9]) as t (n);
create table strip as select p::tinyint as plane, s::tinyint as strip from range(1, 5) as a (p), range(1, 5) as b (s);
create table value as
select file_id, plane, strip, (file_id - 125060000000) / 10000 * 0.001 - 0.001 as shift_ns
from dim_file cross join strip;
create table int_cal_channel as
select file_id, plane, strip, 'front' as side, 'q_pedestal_front' as constant, 90 + plane + shift_ns as value_ns
from value
union all
select file_id, plane, strip, 'back', 'q_pedestal_back', 95 + strip + shift_ns from value
union all
select file_id, plane, strip, 'both', 't_dif_offset', if(plane = 2 and strip = 3 and file_id = 125060030000, 0.5, 0.0)
    + shift_ns from value;
create table int_cal_strip as
select file_id, plane, strip, 0.1 * strip + shift_ns as t_sum_offset_ns, 1.15 as crosstalk_limit_ns from value;
create table fct_calibration as
select
    value.file_id, plane, strip, station_id, conf_number, start_time as valid_from,
    90 + plane + shift_ns as q_pedestal_front_ns, 95 + strip + shift_ns as q_pedestal_back_ns,
    shift_ns as t_dif_offset_ns, 0.1 * strip + shift_ns as t_sum_offset_ns, 1.15 as crosstalk_limit_ns,
    'fresh' as q_status,
    if(plane = 2 and strip = 3 and value.file_id = 125060030000, 'fresh_outlier', 'fresh') as t_dif_status,
    'fresh' as t_sum_status, 'no_peak' as crosstalk_status, 2 as n_neighbours_before, 2 as n_neighbours_after,
    true as is_usable
from value inner join dim_file using (file_id);
create table int_cal_file as
select file_id, 80 as n_links, 30.0 as link_rms_ps, 500.0 as crt_corrected_ps, 'p1s1' as t_sum_gauge, 1 as n_components,
    null::varchar as detail
from dim_file;
create table dim_detector_parameter as
select 1::tinyint as station_id, 20.0 as neighbour_files, 3.0 as neighbour_days, 5.0 as outlier_mad,
    0.5 as outlier_q_ns, 0.05 as outlier_t_dif_ns, 0.15 as outlier_t_sum_ns;
create view int_calibration_drift as
select station_id, valid_from::date as day, plane, strip, 't_sum_offset_ns' as constant,
    median(t_sum_offset_ns) as median, mad(t_sum_offset_ns) as mad, count(*) as n_files
from fct_calibration group by all;
"""


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    """A data folder that holds the build file."""
    settings = Settings(data_dir=tmp_path)
    with duckdb.connect(str(settings.paths.build)) as connection:
        connection.execute(BUILD)
    return settings
