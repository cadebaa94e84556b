"""Tables of the result files: `benchmarks/results.md`, and the columns that the README shows."""

from mnist_helpers.files import read_json
from mnist_helpers.paths import PROJECT

RESULTS = PROJECT / "benchmarks" / "results"
PAGE = PROJECT / "benchmarks" / "results.md"
HEADER = ("figure", "measured", "must", "aim")


def found(values: dict, form: str = "{:.2f}", scale: float = 1, middle: str = "median") -> str:
    """Returns the middle with spread and n in words."""
    low, high = (form.format(scale * values[key]) for key in ("min", "max"))
    if values["n"] == 1:
        return f"{low} (n = 1)"
    text = f"{form.format(scale * values[middle])} ({low} – {high}, n = {values['n']}"
    if values["sd"] is not None and middle == "mean":
        text += f", sd {form.format(scale * values['sd'])}"
    return text + ")"


def ratio(above: dict, below: dict) -> str:
    """Returns the ratio of the medians, and its range over the rounds."""
    rounds = [a / b for a, b in zip(above["values"], below["values"], strict=True)]
    median = above["median"] / below["median"]
    return f"{median:.2f}× ({min(rounds):.2f} – {max(rounds):.2f}, n = {len(rounds)})"


def accuracy_rows(result: dict) -> list[tuple]:
    """Rows of the study over seeds."""
    return [
        ("test accuracy, single model, 10 + 10 epochs (%)",
         found(result["single"], "{:.3f}", 100, "mean"), "≥ 99.69", "99.72"),
        ("the same, averaged over nine views of each image (%)",
         found(result["test_time_augmentation"], "{:.3f}", 100, "mean"), "≥ 99.72", "99.75"),
        ("test accuracy, average of five models (%)",
         found(result["ensembles_of_five"], "{:.3f}", 100, "mean"), "≥ 99.75", "99.79"),
        ("test accuracy after the clean phase alone (%)",
         found(result["clean_phase"], "{:.3f}", 100, "mean"), "–", "–"),
    ]  # fmt: skip


def run_rows(result: dict) -> list[tuple]:
    """Rows of the timed full run and its memory."""
    return [
        ("training time of one 10 + 10 run (s)",
         found(result["seconds"], "{:.0f}"), "–", "–"),
        ("peak memory of that process, both phases in one (GiB)",
         found(result["peak_gib"]), "≤ 0.9", "0.7"),
        ("peak memory where each phase has a process, as the notebooks do (GiB)",
         found(result["peak_gib_of_one_phase"]), "≤ 0.9", "0.7"),
    ]  # fmt: skip


def time_rows(result: dict) -> list[tuple]:
    """Rows of the times to an accuracy."""
    rows = []
    for goal, must, aim in (("99.0", "≤ 5 s", "3 s"), ("99.5", "≤ 14 s", "9 s")):
        entry = result[goal]
        reached = found(entry["accuracy"], "{:.2f}", 100, "mean")
        seconds = found(entry["seconds"], "{:.1f}", 1, "mean")
        channels, steps = result["channels x steps"][goal].split(" x ")
        first = entry["seconds_to_first_step"]["mean"]
        text = (
            f"{seconds}, {first:.1f} of it to the first step; accuracy in % {reached}; "
            f"{channels} channels in the first convolution, {steps} steps"
        )
        rows.append((f"time to {goal}% (s)", text, must, aim))
        former = result[f"former, {goal}"]
        share = entry["seconds"]["mean"] / former["seconds"]["mean"]
        text = (
            f"{share:.2f}; it took {found(former['seconds'], '{:.1f}', 1, 'mean')} s for "
            f"{former['accuracy']['mean']:.2%}"
        )
        rows.append((f"time to {goal}%, relative to the former network", text, "–", "–"))
    ours, theirs = result["99.5"], result["tutorial training"]
    share = theirs["seconds"]["mean"] / ours["seconds"]["mean"]
    rows.append((
        "time to the tutorial training's accuracy",
        f"1/{share:.1f}: {ours['seconds']['mean']:.1f} s for {ours['accuracy']['mean']:.2%} "
        f"against {theirs['seconds']['mean']:.0f} s for {theirs['accuracy']['mean']:.2%} "
        f"(n = {ours['accuracy']['n']} and {theirs['accuracy']['n']})",
        "≤ 1/8", "1/15",
    ))  # fmt: skip
    return rows


def augmentation_rows(result: dict) -> list[tuple]:
    """Rows of the augmentation."""
    ours = result["ours"]
    rate = f"{ours['median']:,.0f}/s: "
    return [
        ("augmented images/s against the three Keras layers",
         rate + ratio(ours, result["keras_layers"]), "≥ 4×", "6×"),
        ("augmented images/s against ImageDataGenerator",
         rate + ratio(ours, result["legacy_generator"]), "≥ 25×", "40×"),
    ]  # fmt: skip


def training_rows(result: dict) -> list[tuple]:
    """Rows of the training speed."""
    ours, peak = result["ours"], result["matrix_product_gflops"]
    rate = f"{ours['median']:,.0f}/s: "
    small, former = result["ours_in_batches_of_128"], result["former_in_batches_of_128"]
    rows = [("training images/s, batches of 128, against the former network",
             f"{small['median']:,.0f}/s: {ratio(small, former)}", "≥ 1.6×", "2.2×"),
            ("training images/s, batches of 256, against Keras defaults",
             rate + ratio(ours, result["keras_defaults"]), "–", "–")]  # fmt: skip
    if "keras_defaults_with_xla" in result:
        rows.append(("the same with XLA, which `jit_compile=\"auto\"` may leave out",
                     rate + ratio(ours, result["keras_defaults_with_xla"]), "–", "–"))  # fmt: skip
    if "pytorch_eager" in result:
        best = max(
            (result["pytorch_eager"], result["pytorch_compiled"]), key=lambda row: row["median"]
        )
        text = f"{rate}{ratio(ours, best)}; PyTorch {best['median']:,.0f}/s"
    else:
        text = "not measured: PyTorch is not installed (group `bench`)"
    rows.append(("training images/s against PyTorch's best", text, "≥ 1.4×", "1.7×"))
    gflops = ours["median"] * result["convolution_gflop_per_image"]
    rows.append((
        "convolution FLOP/s in training, share of the matrix-product peak",
        f"{gflops / peak['median']:.0%} ({gflops:.0f} of {peak['median']:.0f} GFLOP/s)",
        "≥ 48%", "60%",
    ))  # fmt: skip
    return rows


def prediction_rows(result: dict) -> list[tuple]:
    """Rows of the prediction."""
    return [
        ("single-image prediction (ms)", found(result["single_ms"]), "≤ 5", "1"),
        ("batch prediction (images/s)",
         found(result["batch_images_per_second"], "{:,.0f}"), "≥ 15,000", "30,000"),
    ]  # fmt: skip


PARTS = {
    "accuracy": accuracy_rows,
    "full_run": run_rows,
    "time_to_accuracy": time_rows,
    "augmentation": augmentation_rows,
    "training_speed": training_rows,
    "prediction": prediction_rows,
}


def profile_table(result: dict) -> str:
    """Returns the profile of a training step of the former network and of ours, in Markdown."""
    former, ours = result["former"], result["ours"]
    lines = [
        "## Where a training step's time goes",
        "",
        f"Batches of {result['batch']}; milliseconds of all threads together, the last row of the "
        "clock. Former: the network before this one, of cross_validation.py.",
        "",
        "| operations | former | ours |",
        "|---|---|---|",
    ]
    for kind, spent in former["threads_ms"].items():
        lines.append(f"| {kind} | {spent:.1f} | {ours['threads_ms'][kind]:.1f} |")
    lines.append(f"| one step, wall time | {former['wall_ms']:.1f} | {ours['wall_ms']:.1f} |")
    return "\n".join(lines)


def table(columns: int = len(HEADER)) -> str:
    """Returns the whole table in Markdown; parts that were not measured are named.

    Args:
        columns: How many of the columns, from the left.
    """
    lines = [f"| {' | '.join(HEADER[:columns])} |", "|---" * columns + "|"]
    missing, machines = [], []
    for name, rows in PARTS.items():
        result = read_json(RESULTS / f"{name}.json")
        if result is None:
            missing.append(name)
            continue
        lines += [f"| {' | '.join(row[:columns])} |" for row in rows(result)]
        machine = result["machine"]
        versions = ", ".join(f"{key} {value}" for key, value in machine["versions"].items())
        machines.append(
            f"- `{name}`: {machine['date']}, {machine.get('network', 'former network')}, "
            f"{machine['processor']}, {machine['precision']}, "
            f"Python {machine['python']}, {versions}"
        )
    if missing:
        lines += ["", f"Not measured yet: {', '.join(missing)}."]
    return "\n".join([*lines, "", "Where and when:", "", *machines])


def page() -> str:
    """Returns the content of results.md."""
    lines = [
        "# Benchmark results",
        "",
        "Written by `benchmarks/update_readme.py` from `benchmarks/results/*.json`; `make bench` "
        "measures all but the thirty seeds (`make study`).",
        "",
        table(),
        "",
        "What was tried for the accuracy, on held-out training images: [recipe.md](recipe.md).",
        "",
    ]
    profile = read_json(RESULTS / "step_profile.json")
    if profile:
        lines += [profile_table(profile), ""]
    if (RESULTS / "scaling.png").exists():
        lines += [
            "## How cost grows",
            "",
            "![Seconds per epoch, memory and images per second](results/scaling.png)",
            "",
        ]
    return "\n".join(lines)
