"""Alertmanager: the alerts of a cluster of peers, told once.

Peers gossip, so each should tell the same; when they do not, the view that would wake someone wins: an alert
is suppressed only when every peer that tells it says so. All peers are asked at once over httpx, each with
its own failure; one that does not answer makes the reading partial. Silences are not made here
(`actions/targets`).
"""
