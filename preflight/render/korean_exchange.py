"""The Korean of the hints of the checks that ask an exchange; see `korean_hints`."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

EXCHANGE_HINTS: Mapping[str, str] = MappingProxyType(
    {
        # exchange_<id>, and whatever comes between the gate and an exchange
        "set exchanges.{}.symbols, or exchanges.{}.enabled = false": (
            "exchanges.{}.symbols 값을 설정하거나 exchanges.{}.enabled = false를 넣으십시오"
        ),
        "correct exchanges.{}.symbols, or wait until it trades again": (
            "exchanges.{}.symbols 값을 고치거나, 다시 거래될 때까지 기다리십시오"
        ),
        "see whether the exchange has halted it, or whether this machine's clock is wrong": (
            "거래소가 거래를 멈췄는지, 이 컴퓨터의 시계가 틀렸는지 확인하십시오"
        ),
        "check PREFLIGHT_EXCHANGES__{}__PASSWORD (or __PASSWORD_FILE)": (
            "PREFLIGHT_EXCHANGES__{}__PASSWORD(또는 __PASSWORD_FILE)를 확인하십시오"
        ),
        "make the key where the bot trades, or set exchanges.{}.url to the key's own endpoint": (
            "봇이 거래하는 곳에서 키를 만들거나, exchanges.{}.url을 그 키의 주소로 설정하십시오"
        ),
        "log in on its website, agree there, then run again": (
            "거래소 웹사이트에 로그인해 약관에 동의한 뒤 다시 실행하십시오"
        ),
        "check exchanges.{}.url: a testnet lacks some of the real one's questions": (
            "exchanges.{}.url을 확인하십시오. 테스트넷에는 없는 조회가 있습니다"
        ),
        "see what proxy is in the way, then run again": "중간에 어떤 프록시가 있는지 확인한 뒤 다시 실행하십시오",
        "compare the clocks: see clock_{}": "두 시계를 비교하십시오: clock_{} 점검을 보십시오",
        "look at the market yourself; halted markets of {} cannot be recognised": (
            "시장을 직접 확인하십시오. {}에서는 거래가 멈춘 시장을 알아볼 수 없습니다"
        ),
        "check the network path and the exchange's status page": "네트워크 경로와 거래소의 상태 페이지를 확인하십시오",
        "correct the id in exchanges.{}": "이 항목의 거래소 ID를 고치십시오: exchanges.{}",
        "check the network and the machine's name server": "네트워크와 이 컴퓨터의 네임 서버를 확인하십시오",
        "check the network path, and exchanges.{}.url if it is set": (
            "네트워크 경로를 확인하고, exchanges.{}.url 값을 설정했다면 그것도 확인하십시오"
        ),
        "check the network path and the firewall": "네트워크 경로와 방화벽을 확인하십시오",
        "check https_proxy and no_proxy, and the proxy itself": (
            "https_proxy와 no_proxy, 그리고 프록시 자체를 확인하십시오"
        ),
        "check the machine's clock and CA bundle (REQUESTS_CA_BUNDLE), and what proxy is in the way": (
            "이 컴퓨터의 시계와 CA 번들(REQUESTS_CA_BUNDLE)을 확인하고, 중간에 어떤 프록시가 있는지 보십시오"
        ),
        "see what proxy or firewall is in the way, then run again": (
            "중간에 어떤 프록시나 방화벽이 있는지 확인한 뒤 다시 실행하십시오"
        ),
        "check the network path and the exchange's status page, or raise exchanges.{}.timeout": (
            "네트워크 경로와 거래소의 상태 페이지를 확인하거나 exchanges.{}.timeout 값을 늘리십시오"
        ),
        "check the network path, then run again": "네트워크 경로를 확인한 뒤 다시 실행하십시오",
        "see what proxy or captive portal is in the way": (
            "중간에 어떤 프록시나 접속 인증 페이지(captive portal)가 있는지 확인하십시오"
        ),
        "nothing was sent; this exchange cannot be checked by reading alone, report it": (
            "아무것도 보내지 않았습니다. 이 거래소는 조회만으로 점검할 수 없으니 제보하십시오"
        ),
        # Empty, or the seconds that the exchange asks to wait with a space before them
        "wait{}, see what else uses this address or key": (
            "거래소가 정한 시간{} 동안 기다리고, 이 주소나 키를 쓰는 다른 프로그램이 있는지 확인하십시오"
        ),
        "stop everything that asks it from this address, and wait{}": (
            "이 주소에서 그 거래소에 묻는 것을 모두 멈추고, 거래소가 정한 시간{} 동안 기다리십시오"
        ),
        "wait for its announced end; see the exchange's status page": (
            "공지된 종료 시각까지 기다리십시오. 거래소의 상태 페이지를 보십시오"
        ),
        "see the exchange's status page, then run again": "거래소의 상태 페이지를 확인한 뒤 다시 실행하십시오",
        "run the bot where the exchange may be used": "그 거래소를 쓸 수 있는 지역에서 봇을 실행하십시오",
        "see whether a firewall or a proxy answers instead of it": (
            "거래소 대신 방화벽이나 프록시가 응답하는지 확인하십시오"
        ),
        "see what proxy, captive portal or maintenance page is in the way": (
            "중간에 무엇이 있는지 확인하십시오: 프록시, 접속 인증 페이지(captive portal), 거래소의 시스템 점검 안내"
        ),
        "run again; if it stays, see its status page": "다시 실행하고, 그래도 같으면 거래소의 상태 페이지를 보십시오",
        "run again; if it stays, its API has changed: update ccxt": (
            "다시 실행하십시오. 그래도 같으면 거래소의 API가 바뀐 것이니 ccxt를 업데이트하십시오"
        ),
        "correct exchanges.{}.symbols": "이 설정을 고치십시오: exchanges.{}.symbols",
        "run again": "다시 실행하십시오",
        "run this check alone with --only, and see the exchange's status page": (
            "--only로 이 점검만 따로 실행해 보고, 거래소의 상태 페이지를 확인하십시오"
        ),
        # clock_<id>
        "set this machine's clock: timedatectl set-ntp true": "이 컴퓨터의 시계를 맞추십시오: timedatectl set-ntp true",
        "set this machine's clock (timedatectl set-ntp true); see clock_{}": (
            "이 컴퓨터의 시계를 맞추십시오(timedatectl set-ntp true). clock_{} 점검도 보십시오"
        ),
        "read the exchange's notices, and take the symbol out of the bot's list in time": (
            "거래소 공지를 읽고, 늦기 전에 그 심볼을 봇의 목록에서 빼십시오"
        ),
        "correct that variable, or unset it, then run again": "그 변수를 바로잡거나 지운 뒤 다시 실행하십시오",
        # api_key_<id>
        "copy it again from where it was made; see the check `secrets`": (
            "만든 곳에서 다시 복사하십시오. 점검 `secrets`를 보십시오"
        ),
        "set {}": "설정하십시오: {}",
        "change the key's restrictions on {}'s page of API keys": (
            "{}의 API 키 관리 페이지에서 키의 제한을 바꾸십시오"
        ),
        "make a new key and set PREFLIGHT_EXCHANGES__{}__API_KEY_FILE and __SECRET_FILE": (
            "새 키를 만들고 PREFLIGHT_EXCHANGES__{}__API_KEY_FILE과 __SECRET_FILE을 설정하십시오"
        ),
        "look at the key's rights on {}'s website; if it may order, and neither withdraw nor transfer, set "
        'exchanges.{}.no_withdraw_attested_on = "{}" and exchanges.{}.no_withdraw_attested_for = "{}"': (
            "{} 웹사이트에서 키의 권한을 확인하십시오. 주문할 수 있고 출금도 자산 이전도 할 수 없는 키라면 이렇게 "
            "설정하십시오: "
            'exchanges.{}.no_withdraw_attested_on = "{}", exchanges.{}.no_withdraw_attested_for = "{}"'
        ),
        "renew it before the bot stands still": "봇이 멈추기 전에 갱신하십시오",
        "check PREFLIGHT_EXCHANGES__{}__API_KEY (or __API_KEY_FILE)": (
            "PREFLIGHT_EXCHANGES__{}__API_KEY(또는 __API_KEY_FILE)를 확인하십시오"
        ),
        "check in this order: the key itself, the IP addresses it is restricted to, its right to read": (
            "이 순서로 확인하십시오: 키 자체, 키가 허용하는 IP 주소, 읽기 권한"
        ),
        "check PREFLIGHT_EXCHANGES__{}__SECRET (or __SECRET_FILE)": (
            "PREFLIGHT_EXCHANGES__{}__SECRET(또는 __SECRET_FILE)을 확인하십시오"
        ),
        "add this machine's public address to the key": "이 컴퓨터의 공인 IP 주소를 키의 허용 목록에 추가하십시오",
        "give the key the right to read balances": "키에 잔고(자산) 조회 권한을 주십시오",
    }
)
