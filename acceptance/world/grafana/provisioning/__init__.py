"""Provisioning files of Grafana and what they provide: datasources, dashboards."""
