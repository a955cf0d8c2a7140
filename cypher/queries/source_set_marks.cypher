// name:     source_set_marks
// reads:    fingerprints of the sets of sources of an id space, as far as they are in the index
MATCH (n:SourceSet)
WHERE n.space = $space
RETURN n.source_set AS key, n.fingerprint AS fingerprint
