"""The results as tables in Markdown, next to the goals."""

from __future__ import annotations

from argparse import Namespace
from typing import Any

from .load import Load
from .scenarios import LIGHT, MIXED, MIXED_REQUEST, SHARES
from .servers import OURS, PEERS

F32 = OURS[0]


def table(head: list[str], rows: list[list[str]]) -> str:
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines) + "\n"


def milliseconds(load: Load) -> str:
    """p50 and p99, and how many requests failed, if any."""
    failed = f", {load.failures} failed" if load.failures else ""
    return f"{load.p50:.1f} / {load.p99:.1f}{failed}"


def rendered(results: dict[str, dict[str, Any]], alone: dict[str, dict[str, Any]], settings: Namespace) -> str:
    about = alone[OURS[0]]
    machine = about["machine"]
    head = (
        f"{machine['cpu']}, {settings.threads} threads per server, {machine['instruction_set']}, {about['date'][:10]}, commit {about['commit']}; "
        f"{settings.seconds} s per figure after a warm-up; load and server share the machine"
    )
    busy = "\n\n**The machine was busy with other work: measure again.**" if about["busy"] else ""
    parts = [head + busy, servers(results, settings.bulk), ratios(results), goals(results, alone), parts_of_a_request(results)]
    return "\n\n".join(part.rstrip("\n") for part in parts) + "\n"


def servers(results: dict[str, dict[str, Any]], bulk: int) -> str:
    """What each server did."""
    names = [name for name in (*OURS, *PEERS) if name in results]

    def row(title: str, cell: Any) -> list[str]:
        return [title, *(cell(results[name]) for name in names)]

    rows = [
        row("one connection, one text of 12 tokens: p50 / p99 in ms", lambda found: milliseconds(found["one"])),
        row("32 connections, SICK sentences: requests per second", lambda found: f"{found['many'].rate:,.0f}"),
        row("the same: p50 / p99 in ms", lambda found: milliseconds(found["many"])),
    ]
    for share in SHARES:
        key = f"open {share:.0%}"
        title = f"open loop at {share:.0%} of nearsay's saturation in f32: p50 / p99 in ms"
        rows.append(row(title, lambda found, key=key: milliseconds(found[key])))
    rows += [
        row(f"4 connections, {MIXED_REQUEST} mixed texts per request: texts per second", lambda found: f"{texts_per_second(found):,.0f}"),
        row(f"a bulk client alone, {bulk:,} texts per request: texts per second", lambda found: f"{found['bulk alone']:,.0f}"),
        row("32 connections next to it: p50 / p99 in ms", lambda found: milliseconds(found["many next to bulk"])),
        row("its texts per second then", lambda found: f"{found['bulk next to many']:,.0f}"),
        row(f"{LIGHT:.0%} of the saturation next to it: p50 / p99 in ms", lambda found: milliseconds(found["light next to bulk"])),
        row("its texts per second then", lambda found: f"{found['bulk next to light']:,.0f}"),
    ]
    return table(["scenario", *names], rows)


def texts_per_second(found: dict[str, Any]) -> float:
    return found["batches"].rate * MIXED_REQUEST


def ratios(results: dict[str, dict[str, Any]]) -> str:
    """What nearsay does as a multiple of each peer; peers are in f32."""
    rows = []
    for ours in OURS:
        if ours not in results:
            continue
        mine = results[ours]
        for name in (peer for peer in PEERS if peer in results):
            other = results[name]
            rows.append(
                [
                    f"{ours} : {name}",
                    f"{other['one'].p50 / mine['one'].p50:.1f}",
                    f"{mine['many'].rate / other['many'].rate:.1f}",
                    f"{texts_per_second(mine) / texts_per_second(other):.1f}",
                    f"{mine['bulk alone'] / other['bulk alone']:.1f}",
                ]
            )
    return table(["ratio", "p50 of one text", "32 connections", "mixed texts", "bulk alone"], rows)


def goals(results: dict[str, dict[str, Any]], alone: dict[str, dict[str, Any]]) -> str:
    """The goals of nearsay itself."""
    rows = []
    for ours in OURS:
        if ours not in results:
            continue
        found, own = results[ours], alone[ours]
        one, tokens = found["one"], texts_per_second(found) * own["tokens"] / MIXED
        rows += [
            [ours, "p50 of one text over the encoder alone", f"{one.p50:.2f} ms - {own['p50']:.2f} ms = {one.p50 - own['p50']:.2f} ms", "0.3 ms"],
            [ours, "p99 of one text : its p50", f"{one.p99 / one.p50:.2f}", "2"],
            *([ours, f"p99 at {share:.0%}", f"{found[f'open {share:.0%}'].p99:.1f} ms", goal] for share, goal in zip(SHARES, ("25 ms", "80 ms"))),
            [ours, "tokens per second : those of nearsay embed", f"{tokens:,.0f} : {own['tokens a second']:,.0f} = {tokens / own['tokens a second']:.0%}", "93 %"],
            [ours, "p99 of 32 connections next to bulk", f"{found['many next to bulk'].p99:.1f} ms", "60 ms"],
            [ours, "bulk next to 32 connections : alone", f"{found['bulk next to many'] / found['bulk alone']:.0%}", "85 %"],
            [ours, f"bulk next to {LIGHT:.0%} : alone", f"{found['bulk next to light'] / found['bulk alone']:.0%}", ""],
        ]
    return table(["server", "what", "measured", "goal"], rows)


def parts_of_a_request(results: dict[str, dict[str, Any]]) -> str:
    """Where the time of one request goes, by the header Server-Timing."""
    rows = []
    for ours in (name for name in OURS if name in results):
        found = results[ours]["timings"]
        parts = {name: value for name, value in found.items() if name not in ("client", "total")}
        rows += [[ours, name, f"{value:.3f}"] for name, value in parts.items()]
        if "total" in found:
            rows.append([ours, "the rest inside of the server", f"{found['total'] - sum(parts.values()):.3f}"])
            rows.append([ours, "connection and client", f"{found['client'] - found['total']:.3f}"])
        rows.append([ours, "all, as the client sees it", f"{found['client']:.3f}"])
    return table(["server", "part of one request, alone", "median ms"], rows)
