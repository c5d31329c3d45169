"""A stand-in for Grafana: the same provisioning files, the same answers, the real Prometheus behind them."""
