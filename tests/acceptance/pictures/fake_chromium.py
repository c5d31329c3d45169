"""Stands in for Chromium: answers DevTools commands on its pipe as a page of the test's choice would.

What it does is in the file that ARBITRAGE_FAKE_CHROMIUM names; what it was told goes beside it.
"""

from __future__ import annotations

import base64
import json
import os
import sys
from pathlib import Path
from typing import Any

PNG = base64.b64encode(b"\x89PNG picture").decode()


def main() -> None:
    script = Path(os.environ["ARBITRAGE_FAKE_CHROMIUM"])
    plan: dict[str, Any] = json.loads(script.read_text(encoding="utf-8"))
    log: dict[str, Any] = {"argv": sys.argv, "pid": os.getpid(), "commands": []}
    asked = 0
    with os.fdopen(3, "rb", buffering=0) as commands, os.fdopen(4, "wb", buffering=0) as answers:
        buffer = b""
        while data := commands.read(65536):
            buffer += data
            while b"\0" in buffer:
                line, _, buffer = buffer.partition(b"\0")
                command = json.loads(line)
                log["commands"].append(command)
                beside = script.with_suffix(".new")
                beside.write_text(json.dumps(log), encoding="utf-8")
                beside.replace(script.with_suffix(".log"))  # whole, even when this process is ended meanwhile
                method = command["method"]
                if method == plan.get("die_at"):
                    return
                if method == plan.get("hang_at"):
                    continue
                result: dict[str, Any] = {
                    "Target.createTarget": {"targetId": "T"},
                    "Target.attachToTarget": {"sessionId": "S"},
                    "Page.navigate": plan.get("navigate", {}),
                    "Page.captureScreenshot": {"data": PNG},
                }.get(method, {})
                if method == "Runtime.evaluate":
                    pages = plan["pages"]
                    result = {"result": {"value": pages[min(asked, len(pages) - 1)]}}
                    asked += 1
                if method == "Page.navigate":
                    for number, request in enumerate(plan.get("requests", [])):
                        event = {
                            "method": "Fetch.requestPaused",
                            "sessionId": "S",
                            "params": {"requestId": str(number), "request": {"url": request, "headers": {"A": "b"}}},
                        }
                        answers.write(json.dumps(event).encode() + b"\0")
                refusal = {"error": {"message": "no"}} if method == plan.get("refuse") else {"result": result}
                answers.write(json.dumps({"id": command["id"], **refusal}).encode() + b"\0")


main()
