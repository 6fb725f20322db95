"""What can go wrong with model files; every text says what to do."""


class ModelError(Exception):
    """A model cannot be used as things are; `remedy` is the part of the text that says what to do."""

    def __init__(self, message: str, *, remedy: str) -> None:
        self.remedy = remedy
        super().__init__(f"{message}\n{remedy}")


class UnknownModel(ModelError):
    """No installed plugin describes a model or a group of that name."""


class NoSpace(ModelError):
    """The disk of the models directory is too full."""


class NotWritable(ModelError):
    """The models directory cannot be written."""


class NotFetched(ModelError):
    """No source could give a file; the text has each source with its reason."""


class SourceError(Exception):
    """One source could not give a file; the next one is tried."""


class WrongBytes(SourceError):
    """A source gave other bytes than the catalogue promises; they were deleted."""
