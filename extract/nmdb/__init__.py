"""Neutron monitor data of NMDB."""
