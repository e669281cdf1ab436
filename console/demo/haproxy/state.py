"""`show servers state`: version 1 of the table that a reload could be given to keep what was set at runtime.

Nobody gives it that here; so what was set is lost, as it is wherever `load-server-state-from-file` is missing.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

from console.demo.haproxy.balancer import Balancer
from console.demo.haproxy.layout import Backend

COLUMNS = (
    "be_id be_name srv_id srv_name srv_addr srv_op_state srv_admin_state srv_uweight srv_iweight "
    "srv_time_since_last_change srv_check_status srv_check_result srv_check_health srv_check_state srv_agent_state "
    "bk_f_forced_id srv_f_forced_id srv_fqdn srv_port srvrecord srv_use_ssl srv_check_port srv_check_addr "
    "srv_agent_addr srv_agent_port"
)
_ADMIN = {"ready": 0, "maint": 1, "drain": 8}
"""SRV_ADMF_FMAINT and SRV_ADMF_FDRAIN: forced by hand, and not by the configuration."""


def table(balancer: Balancer, backends: Iterable[Backend], t: datetime) -> str:
    lines = ["1", f"# {COLUMNS}"]
    for backend in backends:
        for server in backend.servers:
            status = balancer.at(t).status[backend.name, server.name]
            maint = status.admin == "maint"
            health = 0 if maint else (4 if status.healthy(t) else 2)
            since = max(0, int((t - status.changed).total_seconds()))
            lines.append(
                f"{backend.id} {backend.name} {server.id} {server.name} {server.address} {0 if maint else 2} "
                f"{_ADMIN[status.admin]} {status.weight} {server.weight} {since} 15 3 {health} {14 if maint else 6} 0 0 0 - "
                f"{server.port} - 0 0 - - 0"
            )
    return "\n".join(lines) + "\n"
