"""What can go wrong with evidence.

EvidenceError
├── NameRefusedError       a file name that leaves the bundle, is reserved, or is taken
├── DocumentError          a document that does not follow its JSON Schema
├── SecretFoundError       a known secret value stands in the bundle
├── StrayFileError         a file that did not come through the bundle's door
├── BundleClosedError      something is added to a bundle that is closed
├── BundleMissingError     no bundle where one was asked for
├── BundleIncompleteError  a bundle that was never sealed
├── BundleRefusedError     a folder or archive that is not opened: too large, hostile, or unreadable
├── KeyFileError           a key that cannot be read or made
├── ClaimsError            the table of claims, or what it names, is not as it has to be
└── PromotionError         a bundle that may not be promoted
"""

from __future__ import annotations


class EvidenceError(Exception):
    """Root of every error of this package; its text is one sentence for a person."""


class NameRefusedError(EvidenceError):
    """A file name that leaves the bundle, is reserved, or is taken."""


class DocumentError(EvidenceError):
    """A document that does not follow its JSON Schema; names the file and the place inside it."""


class SecretFoundError(EvidenceError):
    """A known secret value stands in the bundle; names the files, never the value."""


class StrayFileError(EvidenceError):
    """A file lies in the bundle that did not come through its door."""


class BundleClosedError(EvidenceError):
    """Something is added to a bundle that is closed already."""


class BundleMissingError(EvidenceError):
    """There is no bundle where one was asked for."""


class BundleIncompleteError(EvidenceError):
    """A bundle that was never sealed: its run did not come to its end."""


class BundleRefusedError(EvidenceError):
    """A folder or archive that is not opened: too large, hostile, or unreadable."""


class KeyFileError(EvidenceError):
    """A key that cannot be read or made; never quotes a private key."""


class ClaimsError(EvidenceError):
    """The table of claims is not as it has to be, or names a test that does not exist."""


class PromotionError(EvidenceError):
    """A bundle that may not be promoted; says every reason."""
