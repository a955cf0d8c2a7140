// name:     source_sets_like
// reads:    sets of sources that may be the same: of one id space, with one fingerprint
MATCH (n:SourceSet {fingerprint: $fingerprint})
WHERE n.space = $space
RETURN n.source_set AS key, n.atoms AS atoms
