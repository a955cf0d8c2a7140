// name:     names_given
// reads:    the names that were given, for "did you mean"
MATCH (t:Note)
WHERE t.kind = 'name'
RETURN DISTINCT t.value AS value
LIMIT $limit
