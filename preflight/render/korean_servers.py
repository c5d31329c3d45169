"""The Korean of the hints about proof, TLS and addresses of Redis and Postgres; see `korean_hints`."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

SERVER_HINTS: Mapping[str, str] = MappingProxyType(
    {
        "use TLS (PREFLIGHT_REDIS__TLS) or a Unix socket (PREFLIGHT_REDIS__SOCKET); a Redis on this machine may run as "
        "root, as this user or as an account of PREFLIGHT_REDIS__OWNERS: find out who listens there": (
            "TLS(PREFLIGHT_REDIS__TLS)나 유닉스 소켓(PREFLIGHT_REDIS__SOCKET)을 쓰십시오. 이 컴퓨터의 Redis는 root, "
            "이 사용자, 또는 PREFLIGHT_REDIS__OWNERS의 계정으로 실행되어야 합니다. 거기서 누가 듣고 있는지 찾으십시오"
        ),
        "check PREFLIGHT_REDIS__SENTINELS, __MASTER and __SENTINEL_PASSWORD against `SENTINEL MASTERS` there": (
            "PREFLIGHT_REDIS__SENTINELS, __MASTER, __SENTINEL_PASSWORD를 Sentinel의 `SENTINEL MASTERS` 결과와 "
            "맞춰 보십시오"
        ),
        "have it ask by SCRAM: scram-sha-256 in pg_hba.conf, and the role's password set anew under "
        "password_encryption = scram-sha-256; or set PREFLIGHT_POSTGRES__SSLMODE=verify-full": (
            "서버가 SCRAM으로 묻게 하십시오. pg_hba.conf에 scram-sha-256을 적고 "
            "password_encryption = scram-sha-256에서 역할의 비밀번호를 다시 설정하거나, "
            "PREFLIGHT_POSTGRES__SSLMODE=verify-full을 쓰십시오"
        ),
        "turn `ssl` on there, and set PREFLIGHT_POSTGRES__SSLMODE=verify-full or have it ask by SCRAM": (
            "서버에서 `ssl`을 켜고 PREFLIGHT_POSTGRES__SSLMODE=verify-full을 쓰거나 서버가 SCRAM으로 묻게 하십시오"
        ),
        "chmod 600 the file of PREFLIGHT_POSTGRES__KEY_FILE; it belongs to the certificate of __CERT_FILE": (
            "PREFLIGHT_POSTGRES__KEY_FILE의 파일에 chmod 600을 실행하십시오. __CERT_FILE의 인증서와 짝이어야 합니다"
        ),
        "a Postgres behind a Unix socket may run as root, as this user or as an account of PREFLIGHT_POSTGRES__OWNERS: "
        "find out who listens there": (
            "유닉스 소켓 뒤의 Postgres는 root, 이 사용자, 또는 PREFLIGHT_POSTGRES__OWNERS의 계정으로 실행되어야 "
            "합니다. 거기서 누가 듣고 있는지 찾으십시오"
        ),
        "unset {}, or give the same as settings: the bot may obey what preflight does not": (
            "다음 변수를 지우거나 같은 값을 설정으로 주십시오. preflight는 따르지 않지만 봇은 따를 수 있습니다: {}"
        ),
        "set PREFLIGHT_POSTGRES__HOST to a name that stands in its certificate": (
            "PREFLIGHT_POSTGRES__HOST를 서버 인증서에 적힌 이름으로 설정하십시오"
        ),
        "set PREFLIGHT_POSTGRES__CA_FILE to the certificate of the authority that signed it": (
            "PREFLIGHT_POSTGRES__CA_FILE을 그 인증서에 서명한 기관의 인증서 파일로 설정하십시오"
        ),
        "set PREFLIGHT_POSTGRES__CERT_FILE and __KEY_FILE": (
            "PREFLIGHT_POSTGRES__CERT_FILE과 __KEY_FILE을 설정하십시오"
        ),
        "see the server's log and PREFLIGHT_POSTGRES__SSLMODE": (
            "서버 로그와 PREFLIGHT_POSTGRES__SSLMODE를 확인하십시오"
        ),
        "have it renewed, and the server told to read it again": ("인증서를 갱신하고 서버가 다시 읽게 하십시오"),
        "check PREFLIGHT_POSTGRES__USER; in the server, that the role was made with LOGIN and has a line in "
        "pg_hba.conf": (
            "PREFLIGHT_POSTGRES__USER 값과, 서버에서 그 역할이 LOGIN으로 만들어졌고 pg_hba.conf에 줄이 있는지 "
            "확인하십시오"
        ),
        "check PREFLIGHT_POSTGRES__DATABASE": "PREFLIGHT_POSTGRES__DATABASE 값을 확인하십시오",
        "GRANT CONNECT ON DATABASE to the role, or correct PREFLIGHT_POSTGRES__DATABASE": (
            "그 역할에 GRANT CONNECT ON DATABASE를 주거나 PREFLIGHT_POSTGRES__DATABASE 값을 고치십시오"
        ),
        "close idle sessions (see pg_stat_activity), or raise max_connections or the CONNECTION LIMIT of the role or "
        "database": (
            "쉬고 있는 세션을 닫거나(pg_stat_activity 참고) max_connections 또는 역할이나 데이터베이스의 CONNECTION "
            "LIMIT를 늘리십시오"
        ),
        "see what uses it on the server, and the server's log": (
            "서버에서 무엇이 메모리를 쓰는지, 서버 로그와 함께 보십시오"
        ),
        "correct PREFLIGHT_POSTGRES__DATABASE, or ALTER DATABASE ... ALLOW_CONNECTIONS true": (
            "PREFLIGHT_POSTGRES__DATABASE 값을 고치거나 ALTER DATABASE ... ALLOW_CONNECTIONS true를 실행하십시오"
        ),
        "wait until it is ready, or start it; then run again": (
            "준비될 때까지 기다리거나 서버를 띄운 뒤 다시 실행하십시오"
        ),
        "see its words, and the log of the server or of the pooler before it": (
            "상대의 답과, 서버 또는 그 앞 풀러의 로그를 보십시오"
        ),
        "see what listens at PREFLIGHT_POSTGRES__HOST and __PORT": (
            "PREFLIGHT_POSTGRES__HOST와 __PORT에서 무엇이 듣고 있는지 확인하십시오"
        ),
        "see what listens at PREFLIGHT_REDIS__HOST and __PORT": (
            "PREFLIGHT_REDIS__HOST와 __PORT에서 무엇이 듣고 있는지 확인하십시오"
        ),
        "see its log, and whether its disk is full or its directory not writable; then: redis-cli BGSAVE": (
            "서버 로그와, 디스크가 찼는지, 그 디렉터리에 쓸 수 있는지 확인한 뒤 다음을 실행하십시오: redis-cli BGSAVE"
        ),
        "see INFO replication there: start the replicas, or lower min-replicas-to-write": (
            "서버의 INFO replication을 보고 레플리카를 띄우거나 min-replicas-to-write 값을 낮추십시오"
        ),
        "set a password there (requirepass) and here; do not switch protected-mode off": (
            "서버(requirepass)와 여기에 비밀번호를 설정하십시오. protected-mode는 끄지 마십시오"
        ),
        "see CLIENT LIST there: close what nobody uses, or raise maxclients": (
            "서버의 CLIENT LIST를 보고 쓰지 않는 연결을 닫거나 maxclients 값을 늘리십시오"
        ),
        "check PREFLIGHT_REDIS__DB": "PREFLIGHT_REDIS__DB 값을 확인하십시오",
        "have the server's certificate renewed": "서버의 인증서를 갱신하십시오",
        "compare the clocks of both machines": "두 컴퓨터의 시계를 맞춰 보십시오",
        "check PREFLIGHT_{}__PORT, and whether TLS is on there": (
            "PREFLIGHT_{}__PORT 값과 서버에 TLS가 켜져 있는지 확인하십시오"
        ),
        "set PREFLIGHT_{}__CA_FILE to the certificate of the authority that signed it": (
            "PREFLIGHT_{}__CA_FILE 값을 그 인증서에 서명한 기관의 인증서 파일로 설정하십시오"
        ),
        "it may want a certificate of ours: PREFLIGHT_{}__CERT_FILE and __KEY_FILE; see its log": (
            "서버가 우리 쪽 인증서를 요구하는지 로그를 보십시오: PREFLIGHT_{}__CERT_FILE, __KEY_FILE"
        ),
        "set PREFLIGHT_{}__CERT_FILE and __KEY_FILE to a pair": (
            "PREFLIGHT_{}__CERT_FILE, __KEY_FILE 값을 서로 짝이 되는 파일로 설정하십시오"
        ),
        "set PREFLIGHT_{}__HOST to a name that stands in its certificate": (
            "PREFLIGHT_{}__HOST 값을 서버 인증서에 적힌 이름으로 설정하십시오"
        ),
    }
)
