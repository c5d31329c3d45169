"""The Korean of every hint but the exchanges': English template -> Korean one.

`{}` stands for a value; where the order differs, `{0}` is the first one of the English.
A Korean particle depends on the sound before it, so none stands right after a value.
A test reads all hints out of the source and holds this table to them.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

HINTS: Mapping[str, str] = MappingProxyType(
    {
        # The gate itself
        "run it again": "다시 실행하십시오",
        "run it alone with --only": "--only로 이 점검만 따로 실행해 보십시오",
        "see what it asks, by itself: preflight --only {}": (
            "이 점검만 따로 실행해 무엇을 묻는지 보십시오: preflight --only {}"
        ),
        "mend {} first, then run again": "먼저 다음을 바로잡은 뒤 다시 실행하십시오: {}",
        "raise --timeout": "--timeout 값을 늘리십시오",
        "see why it hangs, or raise check_timeouts.<id>, check_timeout (each check) or --timeout (the run)": (
            "왜 멈춰 있는지 확인하거나, check_timeouts.<id>(그 점검), check_timeout(점검마다) 또는 --timeout(실행 "
            "전체) 값을 늘리십시오"
        ),
        "this is a bug in the check or in a library it uses: run it alone with --only and report it": (
            "점검이나 그 점검이 쓰는 라이브러리의 버그입니다. --only로 따로 실행해 보고 제보하십시오"
        ),
        "find out what damaged it (disk, a copy while it was in use) before the next live run": (
            "다음 실거래 실행 전에 무엇 때문에 손상되었는지(디스크, 사용 중 복사 등) 찾으십시오"
        ),
        # environment, secrets, read_only_guard, live_safety
        "set {} as a variable or in {}": "{} 값을 환경 변수로 주거나 다음 파일에 적으십시오: {}",
        "set {} as a variable or in {}, or run `make up` for a local stack": (
            "{} 값을 환경 변수로 주거나 {} 파일에 적으십시오. 로컬 스택을 쓰려면 `make up`을 실행하십시오"
        ),
        "chmod 600 {}": "다음을 실행하십시오: chmod 600 {}",
        "lower the limit; or, if it is meant, raise the ceiling in the table [live] of preflight.toml": (
            "한도를 낮추십시오. 정말 그 값이 맞다면 preflight.toml의 [live] 표에서 상한을 올리십시오"
        ),
        "chmod go-w {}": "다음을 실행하십시오: chmod go-w {}",
        "see what is in it, then chown {} {}": "내용을 살펴본 뒤 다음을 실행하십시오: chown {} {}",
        "copy each key again from where it was made, alone and in one line (a PEM as it is), into a file that its "
        "_FILE key names": (
            "키마다 만든 곳에서 다시 복사해, 다른 글자 없이 한 줄로(PEM은 그대로) _FILE 키가 가리키는 파일에 넣으십시오"
        ),
        "make a new secret of its own for each, such as `openssl rand -hex 20`, and set it by its _FILE key or in the "
        "env's own .env file": (
            "항목마다 비밀 값을 따로 새로 만들고(예: `openssl rand -hex 20`) 그 _FILE 키나 해당 환경의 .env 파일로 "
            "설정하십시오"
        ),
        "run it once as a user who may read both files, or keep the other env's file off this machine": (
            "두 파일을 모두 읽을 수 있는 사용자로 한 번 실행하거나, 다른 환경의 파일을 이 컴퓨터에 두지 마십시오"
        ),
        "set PREFLIGHT_BOT__READ_ONLY={}, or READ_ONLY={} in .env.{}": (
            "PREFLIGHT_BOT__READ_ONLY={0} 값을 주거나 .env.{2} 파일에 READ_ONLY={1} 줄을 넣으십시오"
        ),
        "set PREFLIGHT_BOT__READ_ONLY={}, or READ_ONLY={} in .env.{}; where it stands more than once, let all say the "
        "same": (
            "PREFLIGHT_BOT__READ_ONLY={0} 값을 주거나 .env.{2} 파일에 READ_ONLY={1} 줄을 넣으십시오. "
            "여러 곳에 있으면 모두 같은 값으로 맞추십시오"
        ),
        "make it readable and each line KEY=VALUE, or set PREFLIGHT_BOT__READ_ONLY={}, or READ_ONLY={} in .env.{}": (
            "파일을 읽을 수 있게 하고 모든 줄을 KEY=VALUE 꼴로 고치거나, PREFLIGHT_BOT__READ_ONLY={0} 값을 주거나 "
            ".env.{2} 파일에 READ_ONLY={1} 줄을 넣으십시오"
        ),
        "start the engine and see that the page shows arbitrage_engine_read_only, or correct "
        "PREFLIGHT_BOT__METRICS_URL": (
            "엔진을 띄우고 그 페이지에 arbitrage_engine_read_only가 나오는지 확인하거나, "
            "PREFLIGHT_BOT__METRICS_URL을 고치십시오"
        ),
        "restart the engine with READ_ONLY={}: it was started with something else": (
            "엔진이 다른 값으로 시작되었습니다. READ_ONLY={} 값으로 다시 시작하십시오"
        ),
        "when the operator is sure: PREFLIGHT_LIVE__ARMED=true, PREFLIGHT_LIVE__MAX_ORDER_KRW and "
        "PREFLIGHT_LIVE__MAX_DAILY_LOSS_KRW in .env.live": (
            "운영자가 확신할 때에만 .env.live에 PREFLIGHT_LIVE__ARMED=true, PREFLIGHT_LIVE__MAX_ORDER_KRW, "
            "PREFLIGHT_LIVE__MAX_DAILY_LOSS_KRW를 넣으십시오"
        ),
        "find out who threw it and why; then: {} DEL {}": (
            "누가 왜 킬 스위치를 켰는지 먼저 확인한 다음 실행하십시오: {} DEL {}"
        ),
        "see what is there: {} TYPE {}; it should be a plain string": (
            "무엇이 들어 있는지 확인하십시오: {} TYPE {} (단순 문자열이어야 합니다)"
        ),
        # redis
        "set PREFLIGHT_REDIS__HOST": "PREFLIGHT_REDIS__HOST를 설정하십시오",
        "set PREFLIGHT_REDIS__HOST, or run `make up` for a local stack": (
            "PREFLIGHT_REDIS__HOST를 설정하십시오. 로컬 스택을 쓰려면 `make up`을 실행하십시오"
        ),
        "check maxmemory-policy and whether a proxy or another client removes keys": (
            "maxmemory-policy를 확인하고, 프록시나 다른 클라이언트가 키를 지우는지 보십시오"
        ),
        "look at `redis-cli --latency` and SLOWLOG on the server": (
            "서버에서 `redis-cli --latency`와 SLOWLOG를 확인하십시오"
        ),
        "see the server's log": "서버 로그를 보십시오",
        "check PREFLIGHT_REDIS__PASSWORD (or __PASSWORD_FILE) and __USERNAME against the server": (
            "PREFLIGHT_REDIS__PASSWORD(또는 __PASSWORD_FILE)와 __USERNAME이 서버와 맞는지 확인하십시오"
        ),
        "point PREFLIGHT_REDIS__HOST at a Redis that is no cluster: neither this gate nor the engine follows one": (
            "PREFLIGHT_REDIS__HOST가 클러스터가 아닌 Redis를 가리키게 하십시오. 이 게이트도 엔진도 클러스터를 "
            "따라가지 않습니다"
        ),
        "let it ask: ACL SETUSER {} +role": "이 사용자가 물을 수 있게 하십시오: ACL SETUSER {} +role",
        "see that the proxy there hands writes to a primary only": (
            "그곳의 프록시가 쓰기를 프라이머리에만 넘기는지 확인하십시오"
        ),
        "set requirepass on the server (or a password for its ACL user default), as in PREFLIGHT_REDIS__PASSWORD": (
            "서버에 PREFLIGHT_REDIS__PASSWORD와 같은 requirepass(또는 ACL 사용자 default의 비밀번호)를 설정하십시오"
        ),
        "point PREFLIGHT_REDIS__HOST at the primary": "PREFLIGHT_REDIS__HOST가 프라이머리를 가리키게 하십시오",
        "raise maxmemory, or remove what fills it; keep maxmemory-policy noeviction, or the kill switch may be lost": (
            "maxmemory를 늘리거나 자리를 차지하는 것을 지우십시오. maxmemory-policy는 noeviction으로 두십시오. 그러지 "
            "않으면 킬 스위치가 사라질 수 있습니다"
        ),
        "let it ask: ACL SETUSER {} +info +config|get; if it is a proxy, name the Redis behind it": (
            "물어볼 수 있게 하십시오: ACL SETUSER {} +info +config|get. 프록시라면 그 뒤의 Redis를 설정하십시오"
        ),
        "{} CONFIG SET maxmemory-policy noeviction, and the same in its configuration; a cache belongs into a Redis of "
        "its own": (
            "다음을 실행하고 서버 설정 파일도 같게 고치십시오: {} CONFIG SET maxmemory-policy noeviction. 캐시는 다른 "
            "Redis에 두십시오"
        ),
        "let it ask: ACL SETUSER {} +config|get; or see that it has an append-only file or snapshots": (
            "물어볼 수 있게 하십시오: ACL SETUSER {} +config|get. 또는 서버가 AOF나 스냅숏을 남기는지 확인하십시오"
        ),
        "{} CONFIG SET appendonly yes, and the same in its configuration": (
            "다음을 실행하고 서버 설정 파일도 같게 고치십시오: {} CONFIG SET appendonly yes"
        ),
        "wait until it has loaded, then run again": "데이터를 다 읽을 때까지 기다렸다가 다시 실행하십시오",
        "check the network path and the server's load; nothing can be said about its data": (
            "네트워크 경로와 서버 부하를 확인하십시오. 데이터에 대해서는 아무것도 말할 수 없습니다"
        ),
        "start it (a stopped container has no name), or check PREFLIGHT_REDIS__HOST and the name server": (
            "서버를 띄우거나(멈춘 컨테이너는 이름이 없습니다) PREFLIGHT_REDIS__HOST와 네임 서버를 확인하십시오"
        ),
        "start it, or correct PREFLIGHT_REDIS__HOST and __PORT": (
            "서버를 띄우거나 PREFLIGHT_REDIS__HOST와 __PORT를 고치십시오"
        ),
        "grant the ACL user PING, SET, GET and DEL on arbitrage:preflight:*": (
            "ACL 사용자에게 arbitrage:preflight:* 키에 대한 PING, SET, GET, DEL 권한을 주십시오"
        ),
        "check the server's log and `maxclients`, and whether this is a Redis at all": (
            "서버 로그와 `maxclients`를 확인하고, 응답하는 것이 정말 Redis인지 보십시오"
        ),
        # postgres, open_positions
        "set PREFLIGHT_POSTGRES__HOST, __USER and __DATABASE": (
            "PREFLIGHT_POSTGRES__HOST, __USER, __DATABASE를 설정하십시오"
        ),
        "set PREFLIGHT_POSTGRES__HOST, __USER and __DATABASE, or run `make up` for a local stack": (
            "PREFLIGHT_POSTGRES__HOST, __USER, __DATABASE를 설정하십시오. 로컬 스택을 쓰려면 `make up`을 실행하십시오"
        ),
        "point PREFLIGHT_POSTGRES__HOST at the primary, or lift default_transaction_read_only": (
            "PREFLIGHT_POSTGRES__HOST가 프라이머리를 가리키게 하거나 default_transaction_read_only를 푸십시오"
        ),
        "point PREFLIGHT_POSTGRES__HOST at the primary": "PREFLIGHT_POSTGRES__HOST가 프라이머리를 가리키게 하십시오",
        "check what answers at that address: a proxy may be in between": (
            "그 주소에서 무엇이 응답하는지 확인하십시오. 중간에 프록시가 있을 수 있습니다"
        ),
        "look at pg_stat_activity for locks and long queries": (
            "pg_stat_activity에서 잠금과 오래 걸리는 쿼리를 확인하십시오"
        ),
        "see the log of the server at {}": "다음 서버의 로그를 보십시오: {}",
        "start it, or correct PREFLIGHT_POSTGRES__HOST and __PORT": (
            "서버를 띄우거나 PREFLIGHT_POSTGRES__HOST와 __PORT를 고치십시오"
        ),
        "check PREFLIGHT_POSTGRES__USER and __PASSWORD (or __PASSWORD_FILE), and that the role was made": (
            "PREFLIGHT_POSTGRES__USER와 __PASSWORD(또는 __PASSWORD_FILE), 그리고 그 역할이 만들어졌는지 확인하십시오"
        ),
        "set PREFLIGHT_POSTGRES__PASSWORD_FILE": "PREFLIGHT_POSTGRES__PASSWORD_FILE을 설정하십시오",
        "start it (a stopped container has no name), or check PREFLIGHT_POSTGRES__HOST and the name server": (
            "서버를 띄우거나(멈춘 컨테이너는 이름이 없습니다) PREFLIGHT_POSTGRES__HOST와 네임 서버를 확인하십시오"
        ),
        "check the network path and the server's load": "네트워크 경로와 서버 부하를 확인하십시오",
        "run `preflight db migrate` as a role that may create tables, and GRANT INSERT ON its tables TO this one": (
            "테이블을 만들 수 있는 롤로 `preflight db migrate`를 실행하고, "
            "그 테이블에 대한 INSERT 권한을 이 롤에 주십시오"
        ),
        "GRANT SELECT, INSERT ON {} TO the role, and UPDATE where it is the bot's own table": (
            "롤에 권한을 주십시오: GRANT SELECT, INSERT ON {} TO 롤. 봇 자신의 테이블이면 UPDATE도 주십시오"
        ),
        "in pg_hba.conf (pgbouncer: auth_type) have this role log in by scram-sha-256 instead of trust": (
            "pg_hba.conf에서(pgbouncer라면 auth_type에서) 이 롤이 trust 대신 scram-sha-256으로 로그인하게 하십시오"
        ),
        "correct those rows, or make the database one in UTF8": ("그 행들을 고치거나 데이터베이스를 UTF8로 만드십시오"),
        "set pool_mode = transaction or session there, or point PREFLIGHT_POSTGRES__HOST and __PORT at the server": (
            "그곳의 pool_mode를 transaction이나 session으로 바꾸거나, "
            "PREFLIGHT_POSTGRES__HOST와 __PORT를 서버로 돌리십시오"
        ),
        "free room on the server": "서버의 디스크 공간을 비우십시오",
        "it was stopped or restarted: run again": "서버가 멈췄거나 다시 시작되었습니다. 다시 실행하십시오",
        "set PREFLIGHT_POSITIONS__TABLE to the table of the live bot": (
            "PREFLIGHT_POSITIONS__TABLE을 실거래 봇의 테이블로 설정하십시오"
        ),
        "set PREFLIGHT_POSITIONS__TABLE (schema.table, as it is spelled there)": (
            "PREFLIGHT_POSITIONS__TABLE을 설정하십시오(schema.table, 데이터베이스에 적힌 그대로)"
        ),
        "set PREFLIGHT_POSITIONS__STATUS_COLUMN to a column of that table": (
            "PREFLIGHT_POSITIONS__STATUS_COLUMN을 그 테이블에 있는 열로 설정하십시오"
        ),
        "GRANT SELECT ON the table TO the role that preflight connects as": (
            "preflight가 접속하는 롤에 그 테이블의 SELECT 권한을 주십시오(GRANT SELECT ON ... TO ...)"
        ),
        "see whether Postgres is up and the table can be read: run it again": (
            "Postgres가 떠 있고 그 테이블을 읽을 수 있는지 확인한 뒤 다시 실행하십시오"
        ),
        "correct those rows, or set PREFLIGHT_POSITIONS__STATUS_COLUMN to the right column": (
            "그 행들을 바로잡거나 PREFLIGHT_POSITIONS__STATUS_COLUMN을 맞는 열로 설정하십시오"
        ),
        "add each to PREFLIGHT_POSITIONS__OPEN_VALUES or PREFLIGHT_POSITIONS__CLOSED_VALUES: {}": (
            "각 값을 PREFLIGHT_POSITIONS__OPEN_VALUES 또는 PREFLIGHT_POSITIONS__CLOSED_VALUES에 넣으십시오: {}"
        ),
        "connect as a role that sees all of it: its owner, or one with BYPASSRLS": (
            "테이블 전체를 볼 수 있는 롤(소유자 또는 BYPASSRLS 권한이 있는 롤)로 접속하십시오"
        ),
        "look at the rows of {} where {} and close them, or set PREFLIGHT_POSITIONS__POLICY=allow": (
            "테이블 {0} 안에서 다음 조건에 맞는 행을 확인해 청산하거나, PREFLIGHT_POSITIONS__POLICY=allow를 "
            "설정하십시오: {1}"
        ),
        "set PREFLIGHT_POSITIONS__OPEN_WHEN to a condition that only reads, such as closed_at IS NULL": (
            "PREFLIGHT_POSITIONS__OPEN_WHEN을 읽기만 하는 조건(예: closed_at IS NULL)으로 설정하십시오"
        ),
        "say in PREFLIGHT_POSITIONS__OPEN_WHEN what a column that is NULL means, or correct those rows": (
            "NULL인 열의 뜻을 PREFLIGHT_POSITIONS__OPEN_WHEN에 적거나 그 행들을 바로잡으십시오"
        ),
        # git, storage, alert_channel
        "set PREFLIGHT_GIT__REPOSITORY to the bot's checkout and see that `git -C {} status` works for this user": (
            "PREFLIGHT_GIT__REPOSITORY를 봇의 체크아웃으로 설정하고, 이 사용자로 `git -C {} status` 명령이 되는지 "
            "확인하십시오"
        ),
        "git -C {} status, then commit or remove": ("`git -C {} status` 명령으로 확인한 뒤 커밋하거나 지우십시오"),
        "git -C {} check-ignore -v {}, then commit or remove": (
            "`git -C {} check-ignore -v {}` 명령으로 확인한 뒤 커밋하거나 지우십시오"
        ),
        "git -C {} check-ignore -v {}: see that the bot does not run it": (
            "다음으로 확인하고, 봇이 그 코드를 실행하지 않는지 보십시오: git -C {} check-ignore -v {}"
        ),
        "git -C {} config --local --unset {}, or move it to your global config": (
            "`git -C {} config --local --unset {}` 명령을 실행하거나, 그 설정을 전역 설정으로 옮기십시오"
        ),
        "git -C {} update-index --no-assume-unchanged --no-skip-worktree {}": (
            "다음을 실행하십시오: git -C {} update-index --no-assume-unchanged --no-skip-worktree {}"
        ),
        "git -C {} push": "다음을 실행하십시오: git -C {} push",
        "git -C {} rm --cached {}, and make new secrets: the history keeps the old ones": (
            "`git -C {} rm --cached {}` 명령을 실행하고 비밀 값을 새로 만드십시오. 옛 값은 기록에 남아 있습니다"
        ),
        "git -C {} rm --cached {}": "다음을 실행하십시오: git -C {} rm --cached {}",
        "mount it, or create it if this is its first run: mkdir -p {}": (
            "마운트하거나, 첫 실행이면 만드십시오: mkdir -p {}"
        ),
        "free room on that file system": "그 파일 시스템의 공간을 비우십시오",
        "free room: the quota is used up": "공간을 비우십시오. 할당량(quota)을 다 썼습니다",
        "the file system is read-only: remount it, or choose another directory": (
            "파일 시스템이 읽기 전용입니다. 다시 마운트하거나 다른 디렉터리를 고르십시오"
        ),
        "let the user who runs preflight write there: {}": (
            "preflight를 실행하는 사용자가 여기에 쓸 수 있게 하십시오: {}"
        ),
        "free room on that file system, or lower min_free_mb": (
            "그 파일 시스템의 공간을 비우거나 min_free_mb를 낮추십시오"
        ),
        "set PREFLIGHT_TEXTFILE_DIR or give --metrics-output DIR": (
            "PREFLIGHT_TEXTFILE_DIR을 설정하거나 --metrics-output DIR을 주십시오"
        ),
        "chmod o+x {}, or choose a textfile_dir that is not below it": (
            "`chmod o+x {}` 명령을 실행하거나, 그 아래에 있지 않은 textfile_dir을 고르십시오"
        ),
        "chmod o+rx {}": "다음을 실행하십시오: chmod o+rx {}",
        "let the user who runs preflight read it, or move it away: {}": (
            "preflight를 실행하는 사용자가 읽을 수 있게 하거나 다른 곳으로 옮기십시오: {}"
        ),
        "move it out of the directory, or give it a name that does not end in .prom: {}": (
            "디렉터리 밖으로 옮기거나 .prom으로 끝나지 않는 이름으로 바꾸십시오: {}"
        ),
        "chmod 644 {}": "다음을 실행하십시오: chmod 644 {}",
        "set PREFLIGHT_TELEGRAM__TOKEN_FILE and PREFLIGHT_TELEGRAM__CHAT_ID_FILE; docs/alerts.md says how": (
            "PREFLIGHT_TELEGRAM__TOKEN_FILE과 PREFLIGHT_TELEGRAM__CHAT_ID_FILE을 설정하십시오. "
            "방법은 docs/alerts.md에 있습니다"
        ),
        "set PREFLIGHT_TELEGRAM__URL to an https address, or to a Bot API server on this machine": (
            "PREFLIGHT_TELEGRAM__URL을 https 주소나 이 컴퓨터에 있는 Bot API 서버로 설정하십시오"
        ),
        "let the bot write there: its rights are in the chat's own settings, under administrators or permissions": (
            "봇이 그곳에 쓸 수 있게 하십시오. 권한은 대화방 설정의 관리자 또는 권한 항목에 있습니다"
        ),
        "make the bot an administrator that may manage topics, and set telegram.message_thread_id to the topic": (
            "봇을 주제(토픽) 관리 권한이 있는 관리자로 지정하고, telegram.message_thread_id에 그 주제의 번호를 "
            "적으십시오"
        ),
        "`{}` shows whether a message arrives; docs/alerts.md says how to set it up": (
            "메시지가 도착하는지 확인하십시오: `{}`. 설정 방법은 docs/alerts.md에 있습니다"
        ),
    }
)
