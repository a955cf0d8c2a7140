// name:     property_type_drop
// engine:   embedded
// writes:   values of any type again: where a type is said, the engine makes 2 of the number 2.5
DROP CONSTRAINT {{constraint}} IF EXISTS
