"""Doctor: a few cheap questions to every backend of a site, and what each lacks for the console to show everything.

It asks through the same clients as the sources do, so that what it finds is what the console would meet; each backend
is a file here and fills a `Chart`, so that a backend that hangs half-way still tells what it had answered. All are
asked at once under one ceiling. Nothing here may write to a backend, retry, or show more of a failure than its text:
credentials stay in the clients.
"""

from console.doctor.diagnosis import Diagnosis
from console.doctor.rounds import examined

__all__ = ["Diagnosis", "examined"]
