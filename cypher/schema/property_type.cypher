// name:     property_type
// engine:   embedded
// writes:   of what type a property is, without which an index of it finds no ranges; refused where values of another type are
CREATE CONSTRAINT {{constraint}} IF NOT EXISTS FOR (n:{{label}}) REQUIRE n.{{key}} IS :: {{type}}
