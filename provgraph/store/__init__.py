"""Files of objects by the digest of their bytes, at one place or several, here or anywhere that fsspec reaches."""
