// name:     criteria_reading
// reads:    the criteria that look at one of these columns
UNWIND $origins AS origin
MATCH (:Column {origin_key: origin})<-[:READS]-(n:SourceAtom)
RETURN DISTINCT n.atom AS atom, n.meaning AS meaning
