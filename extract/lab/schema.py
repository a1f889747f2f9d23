"""Lake datasets of the lab logs, one per kind of log; both air sensors share `lab_env`."""

import pyarrow as pa

from extract.provenance import LINE_NUMBER, PROVENANCE
from warehouse.dataset import Column, Dataset

SOURCE = "lab_log"
"""Word of the provenance and folder of landing."""

PARSER_VERSION = 1

_HEAD = (
    Column("station_id", pa.int8(), "Station", is_nullable=False),
    Column("read_at", pa.timestamp("us"), "UTC time of the reading, from the station's clock", is_nullable=False),
    Column("file_date", pa.date32(), "Day of the file name; the weight file without a day: day of the row"),
    Column("row_status", pa.string(), "`ok`, `ok_old` (old HV layout) or `short` (end missing)", is_nullable=False),
    Column("remote_folder", pa.string(), "`top` or `done`: folder of the file on the station", is_nullable=False),
    Column("file_size_bytes", pa.int64(), "Size of the landing file, bytes", is_nullable=False),
)


def _number(name: str, description: str) -> Column:
    return Column(name, pa.float64(), description)


def _flag(name: str, description: str) -> Column:
    return Column(name, pa.int8(), description)


def _dataset(name: str, description: str, key: tuple[str, ...], *values: Column) -> Dataset:
    return Dataset(
        name=name,
        description=description,
        key=(*key, "file_sha256", "line_number"),
        columns=(*_HEAD, *values, *PROVENANCE, LINE_NUMBER),
    )


LAB_ENV = _dataset(
    "lab_env",
    "Air temperature, humidity and pressure, as written by the sensors outside and inside the DAQ box.",
    ("station_id", "read_at", "sensor_location"),
    Column("sensor_location", pa.string(), "`ext` outside or `int` inside the DAQ box", is_nullable=False),
    _number("temp_degc", "Air temperature, degC"),
    _number("rh_pct", "Relative humidity, %"),
    _number("pressure_hpa", "Air pressure at the station, hPa (written in mbar)"),
)

LAB_HV = _dataset(
    "lab_hv",
    "Readings of the high-voltage board.",
    ("station_id", "read_at"),
    Column("hv_board_id", pa.string(), "Six bytes in upper-case hexadecimal, colons between", is_nullable=False),
    _number("hv_current_pos_ua", "Current of the positive side, uA"),
    _number("hv_current_neg_ua", "Current of the negative side, uA"),
    _number("hv_neg_kv", "Voltage of the negative side, kV"),
    _number("hv_pos_kv", "Voltage of the positive side, kV"),
    _number("hv_vs_kv", "VS as the board reports it, kV"),
    _number("hv_supply_v", "Supply voltage of the board, V"),
    _number("hv_set_kv", "Set voltage, kV"),
    _number("hv_current_limit_ua", "Current limit, uA"),
    _number("hv_set_dac_kv", "Set voltage from the DAC, kV"),
    _number("hv_current_limit_dac_ua", "Current limit from the DAC, uA"),
    _flag("is_hv_in_limit", "First flag (IN limit), 0 or 1"),
    _flag("is_hv_ip_limit", "Second flag (IP limit), 0 or 1"),
    *(_flag(f"hv_flag_{i}", f"Flag {i} of the board, 0 or 1; meaning not documented") for i in range(3, 8)),
)

LAB_RATES = _dataset(
    "lab_rates",
    "Trigger rates counted by the DAQ.",
    ("station_id", "read_at"),
    _number("rate_asserted_hz", "Asserted triggers, Hz"),
    _number("rate_edge_hz", "Trigger edges, Hz"),
    _number("rate_accepted_hz", "Accepted triggers, Hz"),
    *(_number(f"rate_tm{i}_hz", f"Trigger multiplexer {i}, Hz") for i in range(4)),
    *(_number(f"rate_cm{i}_hz", f"Coincidence module {i}, Hz") for i in range(4)),
)

LAB_FLOW = _dataset(
    "lab_flow",
    "Gas flow at the chamber outlets.",
    ("station_id", "read_at"),
    *(_number(f"flow_p{i}_au", f"Outlet of the chamber of plane {i}, arbitrary units") for i in range(1, 5)),
)

LAB_COMPUTER = _dataset(
    "lab_computer",
    "Disks of the station's computer.",
    ("station_id", "read_at"),
    _number("disk_1_fill_pct", "Fill of disk 1, %"),
    _number("disk_2_fill_pct", "Fill of disk 2, %"),
    _number("file_indicator", "Number the station calls File; meaning not documented"),
)

LAB_WEIGHT = _dataset(
    "lab_weight",
    "Weight of the gas bottle, typed by an operator.",
    ("station_id", "read_at"),
    _number("bottle_weight_kg", "Weight of the gas bottle, kg"),
)

LAB_HV_SCAN = _dataset(
    "lab_hv_scan",
    "Steps of the voltage scans, as a person at the station wrote them.",
    ("station_id", "scan_id", "step"),
    Column("scan_id", pa.string(), "Name of the scan", is_nullable=False),
    Column("station_code", pa.string(), "Code of the station as written", is_nullable=False),
    Column("step", pa.int32(), "Number of the step in the scan", is_nullable=False),
    _number("hv_set_kv", "Voltage that was set, kV"),
    Column("started_at", pa.timestamp("us"), "UTC time at which the voltage was set", is_nullable=False),
    Column("settled_at", pa.timestamp("us"), "UTC time from which the step is used; NULL where not written"),
    Column("ended_at", pa.timestamp("us"), "UTC time at which the step ended; NULL while it is going on"),
    Column("comment", pa.string(), "What the operator remarks"),
)

DATASETS = (LAB_ENV, LAB_HV, LAB_RATES, LAB_FLOW, LAB_COMPUTER, LAB_WEIGHT, LAB_HV_SCAN)
