// name:     claim_source_list
// writes:   which numbers of source lists were given; and the next one, that is nobody else's
MATCH (s:Survey {only: 'survey'})
SET s.numbering = true
WITH s, coalesce(s.source_lists, 0) AS given
SET s.source_lists = CASE WHEN given < $least THEN $least ELSE given + 1 END
RETURN s.source_lists AS number
