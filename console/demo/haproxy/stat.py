"""`show stat`: the CSV of 2.6, each row with the columns that a row of its kind fills and no other."""

from __future__ import annotations

from datetime import datetime

from console.demo.haproxy.balancer import CODES, Balancer
from console.demo.haproxy.layout import BACKENDS, FRONTENDS, MAXCONN, Backend, Frontend, Server

_COLUMNS = (
    "pxname svname qcur qmax scur smax slim stot bin bout dreq dresp ereq econ eresp wretr wredis status "
    "weight act bck chkfail chkdown lastchg downtime qlimit pid iid sid throttle lbtot tracked type rate "
    "rate_lim rate_max check_status check_code check_duration hrsp_1xx hrsp_2xx hrsp_3xx hrsp_4xx "
    "hrsp_5xx hrsp_other hanafail req_rate req_rate_max req_tot cli_abrt srv_abrt comp_in comp_out "
    "comp_byp comp_rsp lastsess last_chk last_agt qtime ctime rtime ttime agent_status agent_code "
    "agent_duration check_desc agent_desc check_rise check_fall check_health agent_rise agent_fall "
    "agent_health addr cookie mode algo conn_rate conn_rate_max conn_tot intercepted dcon dses wrew "
    "connect reuse cache_lookups cache_hits srv_icur src_ilim qtime_max ctime_max rtime_max ttime_max "
    "eint idle_conn_cur safe_conn_cur used_conn_cur need_conn_est uweight agg_server_status "
    "agg_server_check_status agg_check_status -"
)
"""Up to the dash that ends HAProxy's own; the modules' follow."""
_SSL = "ssl_sess ssl_reused_sess ssl_failed_handshake"
_MUX = (
    "h2_headers_rcvd h2_data_rcvd h2_settings_rcvd h2_rst_stream_rcvd h2_goaway_rcvd "
    "h2_detected_conn_protocol_errors h2_detected_strm_protocol_errors h2_rst_stream_resp h2_goaway_resp "
    "h2_open_connections h2_backend_open_streams h2_total_connections h2_backend_total_streams "
    "h1_open_connections h1_open_streams h1_total_connections h1_total_streams h1_bytes_in h1_bytes_out "
    "h1_spliced_bytes_in h1_spliced_bytes_out"
)
COLUMNS, SSL, MUX = tuple(_COLUMNS.split()), tuple(_SSL.split()), tuple(_MUX.split())
FRONTEND, BACKEND, SERVER = 1, 2, 4
"""The bits of the second argument; the `type` column counts 0, 1, 2."""

Row = dict[str, object]


def header() -> str:
    return "# " + ",".join([*COLUMNS, *SSL, *MUX]) + ","


def _line(row: Row) -> str:
    return ",".join(str(row.get(column, "")) for column in [*COLUMNS, *SSL, *MUX]) + ","


def _zeros(columns: str) -> Row:
    return dict.fromkeys(columns.split(), 0)


def rows(balancer: Balancer, t: datetime, proxy: int = -1, kinds: int = -1, server: int = -1, *, up: bool = False,
         no_maint: bool = False) -> list[str]:
    """In the order of the configuration. -1 is any; `kinds` is a sum of FRONTEND, BACKEND and SERVER."""
    found = [_line(_frontend(balancer, frontend, t)) for frontend in FRONTENDS
             if proxy in (-1, frontend.id) and kinds & FRONTEND and server in (-1, 0)]
    for backend in BACKENDS:
        if proxy not in (-1, backend.id):
            continue
        if kinds & SERVER:
            for one in backend.servers:
                row = _server(balancer, backend, one, t)
                status = str(row["status"])
                hidden = (up and not status.startswith("UP")) or (no_maint and status == "MAINT")
                if server in (-1, one.id) and not hidden:
                    found.append(_line(row))
        if kinds & BACKEND and server in (-1, 0):
            found.append(_line(_backend(balancer, backend, t, up=up)))
    return found


def _frontend(balancer: Balancer, frontend: Frontend, t: datetime) -> Row:
    backend = next(one for one in BACKENDS if one.name == frontend.backend)
    totals = _totals(balancer, backend, t)
    rate = round(balancer.sessions_per_s(backend, t))
    return {
        **_zeros("dreq dresp ereq rate_lim comp_in comp_out comp_byp comp_rsp intercepted dcon dses wrew "
                 "cache_lookups cache_hits eint"),
        "pxname": frontend.name, "svname": "FRONTEND", "status": "OPEN", "slim": MAXCONN,
        "pid": 1, "iid": frontend.id, "sid": 0, "type": 0, "mode": "http", **totals,
        "smax": totals["scur"], "rate": rate, "rate_max": rate, "req_rate": rate, "req_rate_max": rate,
        "req_tot": totals["stot"], "conn_rate": rate, "conn_rate_max": rate, "conn_tot": totals["stot"], "-": "-",
        **dict.fromkeys((*SSL, *MUX), 0),
    }


def _totals(balancer: Balancer, backend: Backend, t: datetime) -> dict[str, int]:
    """What a backend, and the frontend in front of it, have had. Sessions without a server ended in a 503."""
    requests = balancer.requests_total(backend, t)
    codes = {code: sum(balancer.responses_total(backend, s, code, t) for s in backend.servers) for code in CODES}
    codes["5xx"] += balancer.unserved_total(backend, t)
    return {
        "scur": sum(balancer.current(backend, s, t) for s in backend.servers), "stot": requests,
        "bin": requests * backend.bytes_in, "bout": codes["2xx"] * backend.bytes_out,
        **{f"hrsp_{code}": count for code, count in codes.items()},
    }


def _backend(balancer: Balancer, backend: Backend, t: datetime, *, up: bool) -> Row:
    process, totals = balancer.at(t), _totals(balancer, backend, t)
    weight = balancer.weight(backend, process)
    active = sum(1 for server in backend.servers if process.effective(backend, server))
    unserved = balancer.unserved_total(backend, t)
    given = sum(balancer.sessions_total(backend, server, t) for server in backend.servers)
    rate = round(sum(balancer.rate(backend, server, t) for server in backend.servers))
    # `up` counts its servers into the status; without it the plain word stands there.
    state = "UP" if weight else "DOWN"
    return {
        **_zeros("qmax dreq dresp eresp wretr wredis bck downtime cli_abrt srv_abrt comp_in comp_out comp_byp "
                 "comp_rsp lastsess ctime wrew reuse cache_lookups cache_hits qtime_max ctime_max eint "
                 "agg_server_status agg_server_check_status agg_check_status qtime"),
        "pxname": backend.name, "svname": "BACKEND", **totals,
        "status": f"{state} ({active}/{len(backend.servers)})" if up else state,
        "qcur": sum(balancer.queued(backend, server, t) for server in backend.servers), "smax": totals["scur"],
        "slim": MAXCONN // 10, "econ": unserved, "weight": weight, "act": active,
        "chkdown": process.downs[backend.name], "lastchg": _seconds(process.changed[backend.name], t),
        "pid": 1, "iid": backend.id, "sid": 0, "lbtot": given, "type": 1, "rate": rate, "rate_max": rate,
        "req_tot": totals["stot"], "rtime": _ms(backend), "ttime": _ms(backend), "rtime_max": _ms(backend),
        "ttime_max": _ms(backend), "mode": "http", "algo": backend.algorithm, "connect": given, "uweight": weight,
        "-": "-", **dict.fromkeys((*SSL, *MUX), 0),
    }


def _server(balancer: Balancer, backend: Backend, server: Server, t: datetime) -> Row:
    process = balancer.at(t)
    status = process.status[backend.name, server.name]
    current, total = balancer.current(backend, server, t), balancer.sessions_total(backend, server, t)
    rate = round(balancer.rate(backend, server, t))
    codes = {f"hrsp_{code}": balancer.responses_total(backend, server, code, t) for code in CODES}
    down = status.down_s + ((t - status.changed).total_seconds() if status.admin == "maint" else 0.0)
    checks: Row = {} if status.admin == "maint" else {
        "check_status": "L7OK", "check_code": 200, "check_duration": 0, "check_desc": "Layer7 check passed",
        "check_rise": 2, "check_fall": 3, "check_health": 4 if status.healthy(t) else 2,
    }
    return {
        **_zeros("qmax dresp econ eresp wretr wredis bck chkfail cli_abrt srv_abrt qtime ctime wrew reuse srv_icur "
                 "qtime_max ctime_max eint idle_conn_cur safe_conn_cur"),
        "pxname": backend.name, "svname": server.name, "qcur": balancer.queued(backend, server, t),
        "scur": current, "smax": current, "slim": server.maxconn, "stot": total, "bin": total * backend.bytes_in,
        "bout": codes["hrsp_2xx"] * backend.bytes_out, "status": _word(status.admin, healthy=status.healthy(t)),
        "weight": status.weight, "act": 1, "chkdown": status.downs, "lastchg": _seconds(status.changed, t),
        "downtime": int(down), "pid": 1, "iid": backend.id, "sid": server.id, "lbtot": total, "type": 2,
        "rate": rate, "rate_max": rate, **codes, "req_tot": total, "lastsess": 0 if rate else _seconds(status.changed, t),
        "rtime": _ms(backend), "ttime": _ms(backend), "rtime_max": _ms(backend), "ttime_max": _ms(backend),
        "addr": f"{server.address}:{server.port}", "mode": "http", "connect": total, "used_conn_cur": current,
        "need_conn_est": current, "uweight": status.weight, **checks, "-": "-", **dict.fromkeys(SSL, 0),
    }


def _word(admin: str, *, healthy: bool) -> str:
    if admin == "maint":
        return "MAINT"
    word = "DRAIN" if admin == "drain" else "UP"
    return word if healthy else f"{word} 1/3"


def _seconds(since: datetime, t: datetime) -> int:
    return max(0, int((t - since).total_seconds()))


def _ms(backend: Backend) -> int:
    return round(backend.hold_s * 1000)
