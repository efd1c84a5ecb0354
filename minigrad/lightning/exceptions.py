"""What Lightning raises and warns with where a Trainer and a module do not fit together."""

__all__ = ["MisconfigurationException", "PossibleUserWarning"]


class MisconfigurationException(Exception):
    """The Trainer, the module and the data cannot work together so. Counterpart: Lightning's of that name."""


class PossibleUserWarning(UserWarning):
    """Something that is perhaps not meant. Counterpart: Lightning's of that name."""
