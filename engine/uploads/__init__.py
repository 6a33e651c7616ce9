"""Visitors' files on their way in: straight to disk, hashed as they come, there only when whole."""

from engine.uploads.receiving import Receiving, Upload, check_size
from engine.uploads.uploads import Uploads

__all__ = ["Receiving", "Upload", "Uploads", "check_size"]
