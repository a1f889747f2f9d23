"""Grafana provisioning and the generator of the dashboards."""
