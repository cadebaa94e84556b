"""What `run` prints at its end."""

from pathlib import Path


def summary(folder: Path) -> str:
    """Returns a short table of a run: accuracy and time of each phase, and where things lie.

    Args:
        folder: A run's folder, with `metrics.json`.
    """
    from mnist_helpers.training.metrics import read_metrics
    from mnist_helpers.training.model_choice import PHASES

    metrics = read_metrics(folder)
    environment, phases = metrics["environment"], metrics["phases"]
    lines = [
        "",
        f"Data: {environment.get('dataset_title', 'not recorded')}",
        f"{'phase':<13}{'test accuracy (95% interval)':<33}training time",
    ]
    for key, title in PHASES.items():
        phase = phases.get(key, {})
        lines.append(f"{title:<13}{_accuracy(phase):<33}{_duration(phase)}")
    models = ", ".join(sorted(path.name for path in folder.glob("[!.]*.keras")))
    pages = ", ".join(sorted(path.name for path in folder.glob("[!.]*.html")))
    lines += ["", f"Folder: {folder}", f"Models: {models or 'none'}", f"Pages:  {pages or 'none'}"]
    return "\n".join(lines)


def _accuracy(phase: dict) -> str:
    if "test_accuracy" not in phase:
        return "not measured"
    text = f"{phase['test_accuracy']:.2%}"
    if "test_accuracy_interval" in phase:
        low, high = phase["test_accuracy_interval"]
        text += f" ({low:.2%} to {high:.2%})"
    return text


def _duration(phase: dict) -> str:
    if "training_seconds" not in phase:
        return "not measured"
    minutes, seconds = divmod(round(phase["training_seconds"]), 60)
    return f"{minutes} min {seconds} s" if minutes else f"{seconds} s"
