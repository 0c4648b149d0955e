"""Links: the form under which two addresses are one page."""

from __future__ import annotations

import re
from urllib.parse import parse_qsl, urlencode, urlsplit, urlunsplit

_TRACKING = re.compile(r"^(?:utm_\w+|fbclid|gclid|cmpid|ref|ref_src|source|src|guccounter|mod)$")


def canonical_url(url: str) -> str:
    """Return an address without tracking, fragment, "www." and trailing slash, over https.

    >>> canonical_url("http://www.Example.com/a/?utm_source=x&id=5#top")
    'https://example.com/a?id=5'
    """
    parts = urlsplit(url.strip())
    kept = [pair for pair in parse_qsl(parts.query) if not _TRACKING.match(pair[0].lower())]
    host = parts.netloc.lower().removeprefix("www.")
    return urlunsplit(("https", host, parts.path.rstrip("/"), urlencode(sorted(kept)), ""))
