"""A record as Markdown, for a terminal and for a document."""

from comparison.record import commit_text
from comparison.targets import TARGETS


def table(head, rows):
    rows = [head] + [[str(cell) for cell in row] for row in rows]
    widths = [max(len(row[column]) for row in rows) for column in range(len(head))]
    lines = ["| " + " | ".join(cell.ljust(width) for cell, width in zip(row, widths)) + " |" for row in rows]
    return [lines[0], "|" + "|".join("-" * (width + 2) for width in widths) + "|"] + lines[1:]


def with_spread(values, scale, digits):
    median, least, most = (f"{values[key] * scale:.{digits}f}" for key in ("median", "min", "max"))
    return f"{median} ({least} to {most})"


def times_table(rows, unit, scale, digits):
    shown, reasons = [], []
    for row in rows:
        if row["seconds"] is None:
            shown.append([row["name"], row["status"], ""])
            reasons.append(f"{row['name']}: {row['status']}: {row['reason']}")
            continue
        times = row["times_ours"]
        shown.append([row["name"], with_spread(row["seconds"], scale, digits), with_spread(times, 1, 2) if times else ""])
    return table(["", f"{unit}, median (least to most)", "times ours, round by round"], shown) + with_reasons(reasons)


def with_reasons(reasons):
    return ["", *(f"- {reason}" for reason in reasons)] if reasons else []


def passes_table(kernels):
    if kernels.get("reason"):
        return with_reasons([f"not measured: {kernels['reason']}"])
    rows = [[name.removesuffix("_to_copy"), with_spread(share, 1, 2)] for name, share in kernels.items()]
    return table(["", "share, median (least to most)"], rows)


def targets_table(record):
    shown, reasons = [], []
    for target in TARGETS:
        row = target.row(record)
        if row["here"] is None:
            reasons.append(f"{target.what}: {row['reason']}")
        found = "not measured" if row["here"] is None else target.text(row["here"])
        reached = {None: "", "no": "no", "at least": "yes", "stretch": "yes, stretch"}[row["reached"]]
        shown.append([target.what, target.text(target.at_least), target.text(target.stretch), found, reached])
    return table(["what", "at least", "stretch", "here", "reached"], shown) + with_reasons(reasons)


def markdown(record):
    machine, versions = record["machine"], record["versions"]
    named = ", ".join(f"{name} {version}" for name, version in versions.items())
    lines = [
        f"{machine['cpu']}, {record['threads']} of {machine['cores']} cores, {machine['system']}; {commit_text(record)}",
        f"{record['program'].get('compiler')}; {record['program'].get('backends')}" + (f"; {named}" if named else ""),
        *[f"Note: {note}" for note in record["notes"]],
        "", "The lab's epoch, 600 steps of 100", "",
        *times_table(record["training"], "seconds", 1, 2),
        "", "Inference, a call on 1 row", "",
        *times_table(record["inference_1"], "microseconds", 1e6, 1),
        "", "Inference, a call on 10,000 rows", "",
        *times_table(record["inference_10000"], "milliseconds", 1e3, 1),
        "", "Passes over blocks beyond the cache, as a share of the copy bandwidth", "",
        *passes_table(record["kernels"]),
        "", "Targets", "",
        *targets_table(record),
    ]
    return "\n".join(lines) + "\n"
