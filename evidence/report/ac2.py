"""Why AC-2, the panels in Grafana, stands as it does, in one paragraph for a reader who knows nothing of it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from evidence.claims import Status

CRITERION = "AC-2"


def why(view: Mapping[str, Any]) -> dict[str, str]:
    """Say it in both languages."""
    found = next((one for one in view["criteria"] if one["id"] == CRITERION), None)
    if found is None:
        return {"en": "This bundle makes no claim about it.", "ko": "이 번들은 이에 대해 주장하지 않는다."}
    claims = [claim for claim in view["claims"] if claim["id"] in found["claims"]]
    on = "; ".join(dict.fromkeys(place for claim in claims for place in claim["on"] if "rafana" in place))
    reasons = "; ".join(dict.fromkeys(reason for claim in claims for reason in claim["reasons"]))
    if found["status"] == Status.FAIL:
        return {"en": f"AC-2 is FAIL: {reasons}.", "ko": f"AC-2는 FAIL이다: {reasons}."}
    if found["status"] == Status.NOT_RUN:
        return {"en": f"AC-2 is NOT RUN: {reasons}.", "ko": f"AC-2는 NOT RUN이다: {reasons}."}
    if "Grafana" in found["standin_for"]:
        return {
            "en": "The four panels were asked through Grafana's own API, and each showed this run's value, read from "
            "the real Prometheus. But what answered was a stand-in that speaks this API, not Grafana: no Grafana was "
            f"to be had on this machine ({on}). So AC-2 is {found['text']}, and says nothing about Grafana itself. "
            "Run the suite with the official image or your own Grafana to turn it into PASS.",
            "ko": "패널 4개를 Grafana의 API로 물었고 각 패널이 실제 Prometheus에서 읽은 이번 실행의 값을 보여 "
            "주었다. 다만 응답한 것은 이 API를 흉내 내는 대역(stand-in)이며 Grafana가 아니다. 이 컴퓨터에서는 "
            f"Grafana를 구할 수 없었다({on}). 그래서 AC-2는 {found['text']}이고 Grafana 자체에 대해서는 아무것도 "
            "말하지 않는다. 공식 이미지나 자신의 Grafana로 다시 실행하면 PASS가 된다.",
        }
    return {
        "en": "The four panels were asked through Grafana's own API, and each showed this run's value. "
        f"AC-2 is PASS, on {on}.",
        "ko": "패널 4개를 Grafana의 API로 물었고 각 패널이 이번 실행의 값을 보여 주었다. "
        f"AC-2는 PASS이며, 대상은 {on}이다.",
    }
