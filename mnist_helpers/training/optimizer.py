"""The optimiser and its learning-rate schedule."""

import keras

WEIGHT_DECAY = 0.05  # settled on validation: benchmarks/recipe.md


def adamw_cosine(learning_rate: float, steps: int) -> keras.optimizers.AdamW:
    """AdamW with a linear warm-up and a cosine decay to zero over one phase.

    Args:
        learning_rate: The highest rate, reached after a tenth of the steps; at once, if these are
            fewer than ten.
        steps: Training steps of the whole phase.
    """
    warmup = steps // 10
    schedule = keras.optimizers.schedules.CosineDecay(
        initial_learning_rate=0.0,
        warmup_target=learning_rate,
        warmup_steps=warmup,
        decay_steps=max(steps - warmup, 1),
    )
    return keras.optimizers.AdamW(schedule, weight_decay=WEIGHT_DECAY)
