// name:     segments_holding
// reads:    stored segments with a column of one of these origins
UNWIND $origins AS origin
MATCH (:Column {origin_key: origin})<-[:HOLDS]-(n:Entity)
RETURN DISTINCT properties(n) AS properties
