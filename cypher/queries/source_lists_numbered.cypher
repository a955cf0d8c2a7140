// name:     source_lists_numbered
// reads:    the source lists of a number
MATCH (n:SourceListWrapper)
WHERE n.source_list = $number
RETURN properties(n) AS properties
ORDER BY n.created, n.object_id
