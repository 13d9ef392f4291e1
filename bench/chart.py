"""The chart of a record that bench/peers.py wrote, as SVG on stdout.

    python3 bench/chart.py bench/results/RECORD.json > docs/performance.svg
"""

import json
import sys
from xml.sax.saxutils import escape

from comparison.record import commit_text
from comparison.targets import FLOOR, ONE_THREAD, OURS, OURS_BF16, PRODUCTS

WIDTH, MARGIN, LABELS, VALUES = 760, 24, 216, 150
ROW, BAR, PANEL_HEAD = 26, 16, 38
STYLE = """\
text { font: 13px system-ui, -apple-system, "Segoe UI", "Helvetica Neue", Arial, sans-serif; fill: #1f2328 }
.title { font-size: 17px; font-weight: 600 } .panel { font-weight: 600 } .quiet { fill: #59636e; font-size: 12px }
.page { fill: #ffffff; stroke: #d1d9e0 } .ours { fill: #cf4a1c } .peer { fill: #6b8fb3 } .limit { fill: #c4ccd4 }
.spread { stroke: #1f2328; stroke-opacity: .55 }
@media (prefers-color-scheme: dark) {
  text { fill: #f0f6fc } .quiet { fill: #9198a1 } .page { fill: #0d1117; stroke: #3d444d }
  .ours { fill: #f0703c } .peer { fill: #5f86ad } .limit { fill: #4b535d } .spread { stroke: #f0f6fc }
}"""
PANELS = [
    ("training", "Training: an epoch of the lab, 600 steps of 100", "s", 1, 2),
    ("inference_1", "Inference: a call on 1 image", "µs", 1e6, 0),
    ("inference_10000", "Inference: a call on 10,000 images", "ms", 1e3, 0),
]


def text(x, y, words, kind="", anchor="start"):
    said = f' class="{kind}"' if kind else ""
    return f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}"{said}>{escape(words)}</text>'


def kind_of(name):
    if name in (PRODUCTS, FLOOR):
        return "limit"
    return "ours" if name in (OURS, OURS_BF16) else "peer"


def bar(row, y, scale, factor, digits, unit):
    """A row's label, bar, spread and value; `scale` is in pixels a second."""
    left, seconds, name = MARGIN + LABELS, row["seconds"], row["name"]
    length, least, most = (seconds[key] * scale for key in ("median", "min", "max"))
    middle = y + BAR / 2
    value = f"{seconds['median'] * factor:.{digits}f} {unit}"
    if kind_of(name) == "peer" and row["times_ours"]:
        value += f"  ({row['times_ours']['median']:.1f}x ours)"
    return [
        text(left - 10, middle + 4.5, name, "quiet" if kind_of(name) == "limit" else "", "end"),
        f'<rect class="{kind_of(name)}" x="{left}" y="{y}" width="{length:.1f}" height="{BAR}" rx="2"/>',
        f'<line class="spread" x1="{left + least:.1f}" x2="{left + most:.1f}" y1="{middle}" y2="{middle}"/>',
        text(left + max(length, most) + 8, middle + 4.5, value),
    ]


def panel(title, rows, y, unit, factor, digits):
    """The elements, the fastest row first, and where the next panel begins."""
    drawn = sorted((row for row in rows if row["seconds"] and row["name"] != ONE_THREAD), key=lambda row: row["seconds"]["median"])
    if not drawn:
        return [], y
    longest = max(row["seconds"]["max"] for row in drawn)
    scale = (WIDTH - 2 * MARGIN - LABELS - VALUES) / longest
    parts = [text(MARGIN, y + 16, f"{title}, {unit}", "panel")]
    y += PANEL_HEAD - 10
    for row in drawn:
        parts += bar(row, y, scale, factor, digits, unit)
        y += ROW
    return parts, y + 10


def draw(record):
    """The SVG of a record, with a bar for each row that was measured."""
    place = f"{record['machine']['cpu']}, {record['threads']} threads, fp32; medians of {record['rounds']} rounds taken in turns, with least and most"
    named = {"torch": "PyTorch", "jax": "JAX", "onnxruntime": "onnxruntime"}
    parts = [f"{name} {record['versions'][key]}" for key, name in named.items() if key in record["versions"]]
    what = ", ".join([commit_text(record), *parts, record["date"][:10]])
    body = [
        text(MARGIN, 36, "Rushlight beside its peers on a CPU; shorter is better", "title"),
        text(MARGIN, 56, place, "quiet"),
        text(MARGIN, 73, what, "quiet"),
    ]
    y = 92
    for table, title, unit, factor, digits in PANELS:
        parts, y = panel(title, record[table], y, unit, factor, digits)
        body += parts
    height = y + 4
    head = f'<svg xmlns="http://www.w3.org/2000/svg" width="{WIDTH}" height="{height}" viewBox="0 0 {WIDTH} {height}" role="img">'
    page = f'<rect class="page" x="0.5" y="0.5" width="{WIDTH - 1}" height="{height - 1}" rx="6"/>'
    name = "<title>Rushlight beside its peers on a CPU</title>"
    return "\n".join([head, name, f"<style>{STYLE}</style>", page, *body, "</svg>"]) + "\n"


def main():
    if len(sys.argv) != 2:
        print("usage: python3 bench/chart.py RECORD.json > CHART.svg", file=sys.stderr)
        return 2
    try:
        with open(sys.argv[1], encoding="utf-8") as file:
            drawing = draw(json.load(file))
    except (OSError, ValueError) as error:
        print(f"chart.py: {sys.argv[1]} cannot be read: {error}", file=sys.stderr)
        return 3
    except (KeyError, TypeError) as error:
        print(f"chart.py: {sys.argv[1]} is no record of bench/peers.py: it lacks {error}", file=sys.stderr)
        return 3
    sys.stdout.write(drawing)
    return 0


if __name__ == "__main__":
    sys.exit(main())
