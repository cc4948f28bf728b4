"""A profile as it displays itself in a notebook."""

from ...profiles.record import Profile
from ..notebook import shown
from . import said
from .page import profile_page
from .picture import title
from .view import View


def mimebundle(profile: Profile) -> dict[str, str]:
    """Return what `profile show` shows as plain text and as HTML."""
    return shown(profile_page(profile, View()), title=f"{title(profile)}: {said.corpus(profile)}")
