"""What the bits of the reject masks mean, in words."""

STRIP_END = {
    "no_trailing_edge": 1,
    "no_leading_edge": 2,
    "t_window": 4,
    "q_window": 8,
    "pair_broken": 16,
    "t_dif_raw": 32,
    "time_raw": 64,
}
"""`reject_mask_front`, `reject_mask_back` and `reject_mask` of `int_hit`."""

STRIP_HIT = {"no_calibration": 1, "t_dif_cal": 2, "q_dif_cal": 4, "q_sum_cal": 8, "time_cal": 16}
"""`reject_mask` of `int_strip_hit`."""

TRACK = {"few_planes": 1, "position": 2, "slope": 4, "slowness": 8, "chi2": 16}
"""`track_reject_mask` of `fct_track`."""


def words(mask: int | None, bits: dict[str, int]) -> list[str]:
    """The names of the bits set in ``mask``; a bit without a name is named by its value."""
    if not mask:
        return []
    known = [name for name, bit in bits.items() if mask & bit]
    rest = mask & ~sum(bits.values())
    return known + [f"bit_{1 << i}" for i in range(rest.bit_length()) if rest >> i & 1]
