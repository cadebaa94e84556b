"""Sweep files that are damaged, or that ask for more than any machine can do."""

import random
from collections.abc import Iterator
from pathlib import Path

from mnist_helpers.paths import PROJECT
from mnist_helpers.runner.sweep.plan import make_plan
from mnist_helpers.runner.sweep.sweep_yaml import SweepError

ODD = [
    "!!int ''", "!!bool abc", "!!timestamp foo", "!!binary x", "!!float", "!!set {a, b}", "!x y",
    "!!python/object/apply:os.system [id]", "&a [*a]", "*a", "<<: *a", "&a {<<: *a}", "010", "1:30",
    "0x7fffffffffffffffffff", "9" * 5000, "1e999", ".nan", "-.inf", "-0", "1_000", "2001-01-01",
    "\\x00", '"\\ud800"', '"\\x00"', "'", '"', "[", "{", "? ", "|", ">", "%YAML 9.9", "---", "\t",
    "[" * 300, "[[1]]", "{a: {b: c}}", "x" * 10_000, "1000000", "true", "[1, 2, 3]", "{}", "[]", 
    "../x", "~", "{name: x}", ": :", "- - -", "#", "\r", "é", "…", "&a [1, 2]\n- *a",
]  # fmt: skip


def damaged(seed: int) -> str:
    """Returns one of the project's sweep files with odd words in some places, or lines missing."""
    chance = random.Random(seed)
    path = chance.choice(sorted((PROJECT / "sweeps").glob("*.yaml")))
    lines = [line for line in path.read_text(encoding="utf-8").splitlines() if line[:1] != "#"]
    for _ in range(chance.choice([1, 1, 2, 4])):
        place = chance.randrange(len(lines))
        before, colon, after = lines[place].partition(":")
        lines[place] = chance.choice([
            f"{before}{colon} {chance.choice(ODD)}", f"{chance.choice(ODD)}{colon}{after}",
            f"{lines[place]}{chance.choice(ODD)}", "", " " + lines[place], lines[place] * 2,
        ])  # fmt: skip
    return "\n".join(lines)


def huge() -> Iterator[tuple[str, str]]:
    """Yields files that are small and would be large once they are built."""
    yield "a million seeds", "seeds: 1000000"
    yield "seeds without end", "seeds: " + "9" * 4000
    grid = "".join(f"  {name}: {list(range(10, 100))}\n" for name in ("EPOCHS", "BATCH_SIZE"))
    yield "a wide grid", f"seeds: 1000\ngrid:\n{grid}"
    yield "many seeds", f"seeds: {list(range(14_000))}"
    yield "many variants", "variants:\n" + "".join(f"- name: v{n}\n" for n in range(6_000))
    yield "deep lists", "fixed: {EPOCHS: " + "[" * 90_000
    yield "deep maps", "fixed: " + "{a: " * 20_000
    yield "many keys", "fixed:\n" + "".join(f"  K{n}: 1\n" for n in range(7_000))
    bomb = "".join(
        f"  {b}: &{b} [{','.join(['*' + a] * 9)}]\n"
        for a, b in zip("abcdefgh", "bcdefghi", strict=True)
    )
    for section in ("fixed", "grid", "zip", "variants", "seeds", "notebooks"):
        yield f"aliases in {section}", f"{section}:\n  a: &a [lol, lol]\n{bomb}"
    merges = [f"  m{n}: &m{n} {{<<: [*m{n - 1}, *m{n - 1}], k{n}: 1}}\n" for n in range(1, 2000)]
    for count in (49, 1999):
        yield f"{count} merges", "fixed:\n  m0: &m0 {k: 1}\n" + "".join(merges[:count])
    yield "a long word", "fixed: {DATASET: " + "x" * 90_000 + "}"
    yield "many documents", "---\nseeds: 2\n" * 6_000
    yield "anchors", "fixed: [" + ", ".join(f"&a{n} 1" for n in range(7_000)) + "]"
    yield "quotes", '"' * 90_000
    yield "question marks", "? " * 45_000
    yield "dashes", "- " * 45_000
    yield "folded lines", "fixed: >\n" + " x\n" * 30_000


def plan(path: str) -> str:
    """Plans the runs of a file: says how many there are, or the sentence of its error."""
    try:
        runs = make_plan(Path(path), Path(path).parent / "runs")
    except SweepError as error:
        assert len(str(error)) < 2000, "a sentence without end"
        return str(error)
    return f"{len(runs)} runs"
