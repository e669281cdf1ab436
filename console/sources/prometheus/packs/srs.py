"""SRS: recognised, and silent. Its exporter counts for the process, and a process carries many streams."""

from __future__ import annotations

from console.sources.prometheus.packs.pack import Pack

SRS = Pack(
    name="srs",
    presence=("srs_receive_bytes_total", "srs_streams"),
    formulas=(),
    trap="counts for the whole process, never for a stream; its clients_errs count disconnects that were no error",
)
