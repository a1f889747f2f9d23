"""Lab logs of the station computers."""
