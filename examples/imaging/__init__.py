"""A pipeline of images: from raw frames to a histogram of magnitudes."""
