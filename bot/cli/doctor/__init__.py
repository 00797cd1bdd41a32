"""Whether the installation is in order: all of it by ``doctor``, what changes from minute to minute by ``healthy``."""
