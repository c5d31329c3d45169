"""Pictures of panels, drawn from what Grafana returned. The only place that imports matplotlib."""

from acceptance.dashboards.pictures.picture import data_picture, panel_picture, sheet_picture
from acceptance.dashboards.pictures.save import picture_name, save_all

__all__ = ["data_picture", "panel_picture", "picture_name", "save_all", "sheet_picture"]
