// name:     source_sets_beyond
// reads:    one row where there are more than $n sets of sources in the index
MATCH (n:SourceSet)
RETURN n.source_set AS key SKIP $n LIMIT 1
