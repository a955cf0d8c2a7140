"""A policy to start from, with every word that there is."""

from __future__ import annotations

from typing import Final

EXAMPLE: Final = """\
# A provenance policy: what must be true of where things come from.
#   provgraph check policy.toml            all things that the rules are for
#   provgraph check policy.toml THING      only these
name = "archive"
description = "What the archive asks of everything that it gives an identifier."

# A rule has a name, says what it is `for`, and asserts one thing or several.
[[rule]]
name = "valid ancestors"
description = "Nothing that is published rests on what was declared invalid."
for = { published = true }
valid = true                    # neither it nor anything upstream was declared invalid
newest = false                  # true: nothing upstream has a newer version

[[rule]]
name = "calls tell what ran"
for = { published = true }
every_activity = ["software", "agent", "environment", "code"]

[[rule]]
name = "bytes are there"
severity = "warning"            # is told, but does not fail; else "error"
for = { published = true }
stored = "present"              # or "verified": every byte is read

[[rule]]
name = "catalogs come from files"
description = "A catalog without a file upstream was typed in by somebody."
# What a rule is for: a class with its subclasses, a name with wildcards, a condition on properties
# as in `provgraph select --where`, only what is published, only the newest versions. All of it must hold.
for = { class = "SourceCollection", published = true, newest = true }
# Something upstream is of a class, of a name, or has properties (where = "..."), at least so many.
descends_from = { class = "DataFile", at_least = 1 }
max_depth = 50                  # nothing upstream is further away than so many derivations and calls

[[rule]]
name = "no catalog of a test"
for = { class = "SourceCollection", published = true }
not_upstream = [
    { class = "DataFile", name = "test*" },
    { calls = "*.simulate" },   # calls are named Class.method
]

[[rule]]
name = "catalogs are recent"
severity = "warning"
for = { class = "External" }
max_age = "10 y"                # s, min, h, d, weeks, y
# How each of these upstream must be: `must` is a condition, and when it was can be asked: newer_than and
# older_than a time before measured_at, "making" (of the thing that is checked) or "now"; after and before
# a date; `time` names the property that holds the time, else it is when something was stored.
every_upstream = { class = "DataFile", must = "size > 0", newer_than = "5 y", measured_at = "making" }

# Further words, for classes of your own:
#
#   for = { class = "MasterFlat", where = "filter = 'g'" }
#   descends_from = { class = "Bias", where = "exposure = 0", newer_than = "24 h", time = "taken" }
#   software = { provgraph = ">=0.1", numpy = ">=2,<3", python = ">=3.11" }
#   agents = ["Jane Doe", "pipeline-*"]
#   has = { attributes = ["ra", "dec"], units = { ra = "deg" }, ucds = { ra = "pos.eq.ra;meta.main" }, properties = ["zeropoint"] }
"""
