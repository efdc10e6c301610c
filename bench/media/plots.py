"""Plots as plain SVG: bars with the range of the rounds, and lines."""

import math
import statistics
from xml.sax.saxutils import escape

WIDTH, HEIGHT = 760, 460
LEFT, RIGHT, TOP, BOTTOM = 76, 20, 54, 130
COLOURS = ["#4d6fa8", "#c9713b", "#5a9367", "#8c5a9e", "#b3a13c", "#5f8f99", "#a84d5d", "#777777"]


def draw(path, names, found, calls, delay_ms):
    """Writes what the figures allow; gives the files."""
    colours = {name: COLOURS[index % len(COLOURS)] for index, name in enumerate(names)}
    written = []
    groups = [(f"{number:,} calls", {name: found[name]["us_a_packet"][number] for name in names}) for number in calls]
    written.append(save(f"{path}-cpu.svg", bars("CPU of a packet, one core", "µs a packet", groups, names, colours)))
    if all(found[name]["limit"] for name in names):
        limits = [("", {name: found[name]["limit"] for name in names})]
        title = f"Calls on one core with 99 % of the packets within {delay_ms} ms"
        written.append(save(f"{path}-limit.svg", bars(title, "calls", limits, names, colours)))
    lines = {name: found[name]["p99_by_calls"] for name in names}
    written.append(save(f"{path}-delay.svg", curves("Added delay, 99th percentile", lines, names, colours, delay_ms)))
    return written


def save(path, parts):
    head = (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" width="{WIDTH}" height="{HEIGHT}" '
        'font-family="Helvetica, Arial, sans-serif" font-size="13" fill="#222">'
        f'<rect width="{WIDTH}" height="{HEIGHT}" fill="#fff"/>'
    )
    with open(path, "w") as file:
        file.write("\n".join([head, *parts, "</svg>\n"]))
    return path


def bars(title, unit, groups, names, colours):
    """Medians; a line from the least to the greatest value."""
    top = nice(max((max(values) for _, group in groups for values in group.values() if values), default=1))
    parts = frame(title, unit, ticks(top), lambda value: y_of(value, 0, top))
    step = (WIDTH - LEFT - RIGHT) / len(groups)
    width = min(56, step * 0.84 / max(1, len(names)))
    for number, (label, group) in enumerate(groups):
        middle = LEFT + step * (number + 0.5)
        parts.append(text(middle, HEIGHT - BOTTOM + 20, label, "middle"))
        for place, name in enumerate(names):
            values = group[name]
            if not values:
                continue
            x = middle + width * (place - len(names) / 2)
            value = statistics.median(values)
            y = y_of(value, 0, top)
            parts.append(
                f'<rect x="{x + 2:.1f}" y="{y:.1f}" width="{width - 4:.1f}" height="{HEIGHT - BOTTOM - y:.1f}" fill="{colours[name]}"/>'
            )
            low, high = y_of(min(values), 0, top), y_of(max(values), 0, top)
            centre = x + width / 2
            parts.append(f'<path d="M{centre:.1f} {low:.1f}V{high:.1f}" stroke="#222" stroke-width="1.5"/>')
            parts.append(text(centre, min(y, high) - 5, f"{value:,.0f}" if value >= 100 else f"{value:.1f}", "middle", 11))
    return parts + legend(names, colours)


def curves(title, lines, names, colours, limit):
    """The worst of the rounds by calls, on a scale of powers of ten; a dashed line at what may not be reached."""
    points = {name: worst(lines[name]) for name in names}
    most = nice(max((calls for line in points.values() for calls, _ in line), default=1))
    values = [value for line in points.values() for _, value in line if math.isfinite(value)]
    low = 10 ** math.floor(math.log10(min(values, default=0.1)))
    high = 10 ** math.ceil(math.log10(max([*values, limit * 1.01])))
    powers = [10**power for power in range(round(math.log10(low)), round(math.log10(high)) + 1)]

    def y(value):
        return y_of(math.log10(min(max(value, low), high)), math.log10(low), math.log10(high))

    def x(calls):
        return LEFT + calls / most * (WIDTH - LEFT - RIGHT)

    parts = frame(title, "ms", powers, y)
    for calls in ticks(most):
        parts.append(text(x(calls), HEIGHT - BOTTOM + 20, short(calls), "middle"))
    parts.append(text((LEFT + WIDTH - RIGHT) / 2, HEIGHT - BOTTOM + 38, "calls", "middle"))
    parts.append(f'<path d="M{LEFT} {y(limit):.1f}H{WIDTH - RIGHT}" stroke="#b00" stroke-width="1.2" stroke-dasharray="5 4"/>')
    parts.append(text(LEFT + 6, y(limit) - 6, f"{limit} ms", "start", 11))
    for name in names:
        path = " ".join(f"{x(calls):.1f},{y(value):.1f}" for calls, value in points[name])
        parts.append(f'<polyline points="{path}" fill="none" stroke="{colours[name]}" stroke-width="2"/>')
        parts += [f'<circle cx="{x(calls):.1f}" cy="{y(value):.1f}" r="3" fill="{colours[name]}"/>' for calls, value in points[name]]
    return parts + legend(names, colours)


def worst(points):
    by_calls = {}
    for calls, value in points:
        by_calls[calls] = max(value, by_calls.get(calls, 0))
    return sorted(by_calls.items())


def frame(title, unit, values, y):
    parts = [text(LEFT, 24, title, "start", 16), text(LEFT - 8, TOP - 14, unit, "end", 12)]
    for value in values:
        parts.append(f'<path d="M{LEFT} {y(value):.1f}H{WIDTH - RIGHT}" stroke="#ddd"/>')
        parts.append(text(LEFT - 8, y(value) + 4, short(value), "end"))
    parts.append(f'<path d="M{LEFT} {TOP}V{HEIGHT - BOTTOM}H{WIDTH - RIGHT}" fill="none" stroke="#222"/>')
    return parts


def legend(names, colours):
    parts, x, y = [], LEFT, HEIGHT - BOTTOM + 66
    for name, version in names.items():
        wide = 30 + len(version) * 6.4
        if x + wide > WIDTH - RIGHT and x > LEFT:
            x, y = LEFT, y + 20
        parts.append(f'<rect x="{x}" y="{y - 10}" width="12" height="12" fill="{colours[name]}"/>')
        parts.append(text(x + 18, y, version, "start", 12))
        x += wide
    return parts


def text(x, y, words, anchor, size=13):
    return f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}" font-size="{size}">{escape(str(words))}</text>'


def y_of(value, low, high):
    return HEIGHT - BOTTOM - (value - low) / (high - low) * (HEIGHT - BOTTOM - TOP)


def nice(value):
    """The next of 1, 2, 2.5, 5 times a power of ten, with room for a number above the highest bar."""
    power = 10 ** math.floor(math.log10(value))
    return next(step * power for step in (1, 1.2, 1.5, 2, 2.5, 3, 4, 5, 6, 8, 10, 12) if step * power >= value * 1.08)


def ticks(top):
    return [top * share / 5 for share in range(6)]


def short(value):
    if value >= 100:
        return f"{value:,.0f}"
    return f"{value:.2f}".rstrip("0").rstrip(".") if value else "0"
