"""The Korean of what the console view says itself, and of the fixed reasons and notes of a run; see `korean_hints`."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

# What `console` says: looked up by its template.
PHRASES: Mapping[str, str] = MappingProxyType(
    {
        "preflight {}, run {}": "preflight {}, 실행 {}",
        # Verdicts, in the words of the alerts
        "the bot may go": "출발 가능",
        "the bot must not go: a check failed": "출발 금지: 점검이 실패했습니다",
        "the bot must not go: a required check could not tell": "출발 금지: 꼭 필요한 점검을 확인할 수 없습니다",
        "the bot must not go: --strict, and there are warnings": "출발 금지(--strict): 경고가 있습니다",
        "the bot must not go: the run could not be recorded": "출발 금지: 실행을 기록하지 못했습니다",
        "says nothing about going: nothing was asked over the network": (
            "출발 여부는 판단하지 않습니다: 네트워크에 아무것도 묻지 않았습니다"
        ),
        "says nothing about going: only some checks ran": "출발 여부는 판단하지 않습니다: 일부 점검만 실행했습니다",
        "{}: {} (exit {}, {} s)": "{}: {} (종료 코드 {}, {}초)",
        "[FAIL waived: {}]": "[FAIL 면제: {}]",
        "[advisory {}]": "[참고용, {}]",
        "[advisory]": "[참고용]",
        "because {}": "이유: {}",
        "despite {}": "경고: {}",
        "note: {}": "비고: {}",
        "it said: {}": "상대의 답: {}",
        "ready_for_live stays 0: something was waived or overridden": (
            "ready_for_live는 0으로 남습니다: 면제된 점검이나 재정의된 주소, 느슨해진 설정이 있습니다"
        ),
        "alert: {}": "알림: {}",
        "sent": "보냄",
        "throttled": "최근에 보내 생략",
        "spooled": "스풀에 보관",
        "failed": "실패",
        ", from an earlier run": ", 이전 실행의 알림",
        "alerts waiting in the spool: {}; `{}` shows them": ("스풀에서 기다리는 알림: {}건 (확인: `{}`)"),
        "metrics: {}": "지표: {}",
        "report: {}": "보고서: {}",
        "status": "상태",
        "check": "점검",
        "found": "결과",
    }
)

# What a run says as a reason or a note, and the parts of such sentences: matched with the English text.
REASONS: Mapping[str, str] = MappingProxyType(
    {
        "the run could not be recorded": "실행을 기록하지 못했습니다",
        "the gate itself broke: {}": "게이트 자체가 고장 났습니다: {}",
        "{}: gave no result": "{}: 결과가 없습니다",
        "no required check proved anything": "꼭 필요한 점검 가운데 무엇도 확인하지 못했습니다",
        "only a part of the checks was asked for (--only)": "점검의 일부만 요청했습니다(--only)",
        "a dry run asks nothing over the network": "모의 실행(--dry-run)은 네트워크에 아무것도 묻지 않습니다",
        "textfile_dir is not set, so there is nowhere to publish metrics": (
            "textfile_dir이 설정되지 않아 지표를 내보낼 곳이 없습니다"
        ),
        "alerting was interrupted ({})": "알림을 보내는 중에 중단되었습니다({})",
        "alerting broke ({}); please report it": "알림 기능이 고장 났습니다({}). 제보해 주십시오",
        "--output: the report cannot be written: {}": "--output: 보고서를 쓸 수 없습니다: {}",
        "the ledger was damaged and has been set aside as {}; counters begin at 0": (
            "장부가 손상되어 따로 옮겨 두었습니다: {} (카운터는 0부터 다시 셉니다)"
        ),
        # The ledger
        "the new ledger {} is damaged at once ({}): look at its disk and its memory": (
            "새로 만든 장부가 곧바로 손상되었습니다: {} ({}). 디스크와 메모리를 확인하십시오"
        ),
        "cannot use the ledger {}: {}; {}": "장부를 쓸 수 없습니다: {}: {}. {}",
        "the disk is full: make room": "디스크가 가득 찼습니다. 공간을 비우십시오",
        "this user may not write it: give it permission on the file and its directory": (
            "이 사용자는 쓸 수 없습니다. 파일과 그 디렉터리의 권한을 주십시오"
        ),
        "this user may not open it: give it permission on the file and its directory": (
            "이 사용자는 열 수 없습니다. 파일과 그 디렉터리의 권한을 주십시오"
        ),
        "reading or writing failed: look at the disk, its quota and `ulimit -f`": (
            "읽기나 쓰기에 실패했습니다. 디스크와 할당량, `ulimit -f`를 확인하십시오"
        ),
        "this is unexpected: please report it": "예상하지 못한 일입니다. 제보해 주십시오",
        "{}: {}: {}; give this user write permission on {} and look whether its disk is full": (
            "{}: {}: {}. 이 사용자에게 쓰기 권한을 주고({}) 디스크가 가득 찼는지 확인하십시오"
        ),
        "cannot create the ledger": "장부를 만들 수 없습니다",
        "cannot move the damaged ledger aside ({})": "손상된 장부를 옮길 수 없습니다({})",
        "cannot lock the ledger {}: {}: {}; create the directory that PREFLIGHT_LEDGER names and give this user write "
        "permission on it": (
            "장부를 잠글 수 없습니다: {}: {}: {}. PREFLIGHT_LEDGER가 가리키는 디렉터리를 만들고 이 사용자에게 쓰기 "
            "권한을 주십시오"
        ),
        "cannot reach the ledger {}: {}; let PREFLIGHT_LEDGER name a file, or a link to one": (
            "장부에 닿을 수 없습니다: {}: {}. PREFLIGHT_LEDGER가 파일이나 파일을 가리키는 링크를 가리키게 하십시오"
        ),
        "the ledger {} is locked: {} holds {} beyond the deadline; wait for it to end, or end it, and run again": (
            "장부가 잠겨 있습니다: {0}. 기한이 지나도록 잡고 있는 것: {1} ({2}). 끝나기를 기다리거나 끝낸 뒤 다시 "
            "실행하십시오"
        ),
        "another process": "다른 프로세스",
        "process {}": "프로세스 {}",
        "the ledger {} has schema version {}, this program knows {}: run the newer program that made it, or point "
        "PREFLIGHT_LEDGER to another file": (
            "장부 {}: 스키마 버전 {}, 이 프로그램이 아는 버전은 {}까지입니다. 장부를 만든 더 새로운 프로그램을 쓰거나 "
            "PREFLIGHT_LEDGER가 다른 파일을 가리키게 하십시오"
        ),
        "{} is a SQLite database of another program: point PREFLIGHT_LEDGER to a file of its own": (
            "다른 프로그램의 SQLite 데이터베이스입니다: {}. PREFLIGHT_LEDGER가 전용 파일을 가리키게 하십시오"
        ),
        # The `.prom` file
        "cannot write the metrics file {}: {}": "지표 파일을 쓸 수 없습니다: {}: {}",
        "{}; it still says what an earlier run found": "{}. 지표 파일에는 지난 실행의 결과가 그대로 남아 있습니다",
        "{}; nor can the metrics file say so: {}": "{}. 지표 파일에도 적을 수 없습니다: {}",
        "cannot write the metrics file {}: other processes keep replacing it; end them": (
            "지표 파일을 쓸 수 없습니다: {}: 다른 프로세스가 계속 바꿔 씁니다. 그 프로세스를 끝내십시오"
        ),
        "{}; nor can the ledger say that the run does not count: {}": (
            "{}; 이 실행을 세지 말라고 장부에 적을 수도 없습니다: {}"
        ),
        "the directory does not exist: create it; {}": "디렉터리가 없습니다. 만드십시오. {}",
        "PREFLIGHT_TEXTFILE_DIR must name the directory that node_exporter reads": (
            "PREFLIGHT_TEXTFILE_DIR은 node_exporter가 읽는 디렉터리여야 합니다"
        ),
        "that is not a directory: {}": "디렉터리가 아닙니다. {}",
        "this user may not write there: give it write and search permission on the directory": (
            "이 사용자는 거기에 쓸 수 없습니다. 디렉터리의 쓰기와 탐색 권한을 주십시오"
        ),
        "the file system is read-only: {}": "파일 시스템이 읽기 전용입니다. {}",
        "the disk quota is used up: make room": "디스크 할당량을 다 썼습니다. 공간을 비우십시오",
        "the file size limit of this process is reached: raise it (ulimit -f)": (
            "이 프로세스의 파일 크기 한도에 닿았습니다. 한도를 늘리십시오(ulimit -f)"
        ),
        "a directory has the name of the file: remove it": "파일과 같은 이름의 디렉터리가 있습니다. 지우십시오",
        # What kept `exec` from its command after a GO
        "{} s have passed since the run began: what it found is too old": (
            "실행이 시작된 뒤 {}초가 지났습니다. 점검 결과가 너무 오래되었습니다"
        ),
        "the kill switch was not asked for": "킬 스위치를 묻지 못했습니다",
        "exec was held up after it had asked for the kill switch: the answer is too old": (
            "exec가 킬 스위치를 물은 뒤 멈춰 있었습니다. 대답이 너무 오래되었습니다"
        ),
        "exec was stopped before the start ({})": "exec가 시작 직전에 중단되었습니다({})",
        "{} did not take the place of exec": "명령이 exec의 자리를 이어받지 않았습니다: {}",
        "{} cannot be started: {}": "명령을 시작할 수 없습니다: {}: {}",
        "{} cannot be looked at: {}": "명령의 파일을 볼 수 없습니다: {}: {}",
        "{} cannot be looked at any more: {}": "명령의 파일을 더는 볼 수 없습니다: {}: {}",
        "{} is not the file it was when the run began": "실행이 시작될 때의 파일이 아닙니다: {}",
        "the lock {} cannot be taken: {}": "잠금을 얻을 수 없습니다: {}: {}",
        "the lock {} is gone: {}": "잠금 파일이 없어졌습니다: {}: {}",
        "the lock {} was replaced": "잠금 파일이 바뀌었습니다: {}",
        # What is allowed outside live, and told in each run
        "{}.plain_http is set: secrets travel in the clear": (
            "{}.plain_http가 설정되어 있습니다. 비밀이 암호화되지 않고 전송됩니다"
        ),
        # What weakens a check in live
        "{} comes from a {}: in live it counts only from a file": (
            "{} 값의 출처가 {}입니다. 실거래에서는 파일에 적은 것만 인정합니다"
        ),
        "positions.policy is {}, not fail": "positions.policy 값이 fail이 아닙니다: {}",
        "{} is above its default {}": "{} 값이 기본값 {}보다 큽니다",
        "{} is below its default {}": "{} 값이 기본값 {}보다 작습니다",
        "{} is ignored: {}; {}": "{} 파일은 쓰지 않습니다: {}. {}",
        # What became of an alert
        "told within the last {} s": "최근 {}초 안에 이미 알렸습니다",
        "{} was not sent: {}": "{}: 보내지 못했습니다: {}",
        "something still waits in {}: {}": "아직 보내지 못한 것이 {}에서 기다립니다: {}",
        "another run sent it": "다른 실행이 보냈습니다",
        "the postgres check of this run did not pass; the row waits": (
            "이번 실행의 postgres 점검이 통과하지 못해 기록할 행이 기다립니다"
        ),
    }
)
