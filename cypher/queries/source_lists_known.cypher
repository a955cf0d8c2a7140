// name:     source_lists_known
// reads:    the largest numbers of source lists that were ingested, or made
MATCH (n:{{label}})
RETURN max(n.source_list) AS ingested, max(n.number) AS made
