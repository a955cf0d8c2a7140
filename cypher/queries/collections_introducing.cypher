// name:     collections_introducing
// reads:    Source Collections in which attributes of these names start
UNWIND $names AS name
MATCH (:AttributeName {name: name})<-[:INTRODUCES]-(n:Entity)
WHERE n:SourceCollection
RETURN name AS name, properties(n) AS properties
