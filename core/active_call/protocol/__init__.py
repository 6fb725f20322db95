"""The wire: commands in, events out, call options. Values only; who acts on them lives upstairs."""


def warm_up() -> None:
    """Build every model now instead of at its first use, so that the first call does not wait for it."""
    from pydantic import BaseModel

    from . import commands, events, options

    for module in (options, commands, events):  # options first: the others reuse what is built
        for model in vars(module).values():
            if isinstance(model, type) and issubclass(model, BaseModel):
                model.model_rebuild()
