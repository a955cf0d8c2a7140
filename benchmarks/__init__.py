"""The figures of docs/performance.md: each measured with its baseline in one run, on data made for it."""
