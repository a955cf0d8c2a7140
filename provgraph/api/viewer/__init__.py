"""Pages for people: rendered here, readable without script, and the little script and style they use."""
